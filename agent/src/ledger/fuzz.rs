//! For any content of the file, opening never panics, and never loses a record that can be read or that a newer podlift wrote. A few cases
//! by default; with `PODLIFT_FUZZ_SECONDS`, as many as fit into that time.
#![allow(clippy::disallowed_methods)] // reads the environment of a test

use super::tests::{accepted, epoch, op, open};
use super::*;
use crate::testing::MemFiles;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use std::time::{Duration, Instant};

/// One step of a ledger's life, or a change of its file by another program.
#[derive(Debug, Clone)]
enum Step {
    Accept(u8),
    Started(u8),
    Ended(u8),
    Claim(u8),
    /// A complete record of a newer podlift, which may name an op.
    Newer(Option<u8>, String),
    /// An interrupted append: part of a line without its end.
    Torn(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..6u8).prop_map(Step::Accept),
        2 => (0..6u8).prop_map(Step::Started),
        2 => (0..6u8).prop_map(Step::Ended),
        1 => (1..9u8).prop_map(Step::Claim),
        2 => (proptest::option::of(0..6u8), "[a-z\\\\\"{}é]{0,12}").prop_map(|(op, text)| Step::Newer(op, text)),
        1 => proptest::collection::vec(any::<u8>().prop_filter("no newline", |b| *b != b'\n'), 1..40).prop_map(Step::Torn),
    ]
}

/// Damage of the bytes afterwards.
#[derive(Debug, Clone)]
enum Harm {
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any::<prop::sample::Index>().prop_map(Harm::Cut),
        (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, by)| Harm::Flip(at, by)),
        (any::<prop::sample::Index>(), proptest::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
    ]
}

fn name(n: u8) -> OpId {
    op(&format!("r{n}-s0001-a1"))
}

/// The file after these steps, with the newer lines that were added.
fn lived(steps: &[Step]) -> (Arc<MemFiles>, Vec<String>) {
    let files = Arc::new(MemFiles::default());
    let mut ledger = open(&files).unwrap();
    let mut newer = Vec::new();
    for step in steps {
        match step {
            Step::Accept(n) if ledger.lookup(&name(*n)) == Lookup::Unknown => {
                ledger.accept(&name(*n), &accepted()).unwrap()
            }
            Step::Started(n) if ledger.lookup(&name(*n)) == Lookup::Running => {
                ledger.started(&name(*n)).unwrap()
            }
            Step::Ended(n) if ledger.lookup(&name(*n)) == Lookup::Running => {
                ledger.ended(&name(*n), &OpOutcome::changed("x")).unwrap();
            }
            Step::Claim(n) => drop(ledger.claim(&epoch((*n).into(), "a")).unwrap()),
            Step::Newer(whom, text) => {
                let seq = files.text(paths::LEDGER).lines().count();
                let mut record = json!({"seq": seq, "event": format!("newer-{text}"), "more": text});
                if let Some(whom) = whom {
                    record["op_id"] = json!(name(*whom));
                }
                let line = String::from_utf8(write_line(&record).unwrap()).unwrap();
                files.append(Path::new(paths::LEDGER), line.as_bytes()).unwrap();
                newer.push(line);
                ledger = open(&files).unwrap();
            }
            Step::Torn(bytes) => {
                files.append(Path::new(paths::LEDGER), bytes).unwrap();
                ledger = open(&files).unwrap();
            }
            _ => {}
        }
    }
    (files, newer)
}

fn check(steps: &[Step], harms: &[Harm]) {
    let (files, newer) = lived(steps);
    let whole = files.read(Path::new(paths::LEDGER)).unwrap();
    let (before, text) = (open(&files).unwrap(), files.text(paths::LEDGER));
    let again = open(&files).unwrap();
    assert!(newer.iter().all(|line| text.contains(line.as_str())), "a newer record was lost");
    assert_eq!(again.open_ops(), before.open_ops());
    assert!((0..6).all(|n| again.lookup(&name(n)) == before.lookup(&name(n))));
    let mut bytes = whole;
    for harm in harms {
        match harm {
            Harm::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Harm::Flip(at, by) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= by;
            }
            Harm::Flip(..) => {}
            Harm::Insert(at, more) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, more.iter().copied());
            }
        }
    }
    files.put(paths::LEDGER, &bytes);
    let opened = open(&files);
    let left = files.read(Path::new(paths::LEDGER)).unwrap();
    match opened {
        // Only the line without an end was cut off.
        Ok(_) => {
            let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
            assert_eq!(left, bytes[..end], "a whole line was lost");
        }
        Err(_) => assert_eq!(left, bytes, "what is refused stays as it is"),
    }
    drop(owner(files.as_ref()));
}

fn run(cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let input = (proptest::collection::vec(step(), 0..25), proptest::collection::vec(harm(), 0..3));
    runner
        .run(&input, |(steps, harms)| {
            check(&steps, &harms);
            Ok(())
        })
        .unwrap();
}

#[test]
fn nothing_is_lost_and_nothing_panics() {
    let seconds = std::env::var("PODLIFT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    run(64);
    while until.is_some_and(|until| Instant::now() < until) {
        run(512);
    }
}
