//! Arbitrary bytes in place of Hello, Heartbeat and HealReport. They are read, or refused with a short reason; they never cause a panic.

use super::super::{attach, heal, read};
use super::words::encoded;
use super::{Effort, WORKER, made};
use crate::testing::name;
use podlift_proto::v1;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

/// Random bytes, or a real message with some bytes changed, cut off or doubled.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let spoilt =
        (encoded(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), any::<prop::sample::Index>());
    let spoilt = spoilt.prop_map(|(mut bytes, changes, end)| {
        if bytes.is_empty() {
            return bytes;
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if end.index(4) == 0 {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    });
    prop_oneof![1 => vec(any::<u8>(), 0..400), 3 => spoilt]
}

fn taken(bytes: &[u8]) {
    let node = name(WORKER);
    let mut refusals = Vec::new();
    if let Ok(hello) = v1::Hello::decode(bytes) {
        refusals.extend(attach::read(&node, &hello).err());
    }
    if let Ok(beat) = v1::Heartbeat::decode(bytes) {
        refusals.extend(beat.facts.as_ref().and_then(|d| read::facts(d).err()));
    }
    if let Ok(report) = v1::HealReport::decode(bytes) {
        refusals.extend(heal::read(&node, &report).err());
    }
    if let Ok(message) = v1::FromAgent::decode(bytes) {
        refusals.extend(read::small(&message).err());
    }
    for refusal in refusals {
        assert!(crate::dispatch::limits::short(refusal).to_string().len() < 4_000);
    }
}

#[test]
fn bytes_of_any_kind_are_read_or_refused_and_never_a_panic() {
    let strategy = bytes();
    for number in Effort::of(500) {
        taken(&made(&strategy, number));
    }
}
