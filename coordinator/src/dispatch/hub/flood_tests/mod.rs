//! Messages of one authenticated worker, in any order and of any size. The coordinator goes on unchanged, and no other node is affected.
//! Each test runs some hundred sequences; PODLIFT_FUZZ_SEQUENCES or PODLIFT_FUZZ_SECONDS sets another amount.
#![allow(clippy::disallowed_methods)] // the environment and /proc of this test

mod decode;
mod words;

use super::tests::{Lab, Played, hello, lab_over};
use crate::cluster::Cluster;
use crate::dispatch::Agents;
use crate::exec::Fence;
use crate::testing::{Fleet, name};
use podlift_engine::machine::Event;
use podlift_engine::view::SeenNode;
use podlift_model::{Epoch, HostOp, Look, NodeName, OpId};
use podlift_proto::v1::{self, from_agent, to_agent};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::sync::Arc;
use std::time::{Duration, Instant};
use words::{Said, sequence};

const WORKER: &str = "dgx030";
const OTHERS: [&str; 4] = ["dgx031", "runai-01", "runai-02", "runai-03"];
const GROWTH: u64 = 64 << 20;

/// The number of inputs, and the longest time for them.
pub(super) struct Effort {
    left: Option<u64>,
    until: Option<Instant>,
    number: u64,
}

impl Effort {
    pub fn of(by_default: u64) -> Self {
        let asked = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
        let seconds = asked("PODLIFT_FUZZ_SECONDS");
        let left = asked("PODLIFT_FUZZ_SEQUENCES").or(seconds.is_none().then_some(by_default));
        Self { left, until: seconds.map(|s| Instant::now() + Duration::from_secs(s)), number: 0 }
    }
}

/// Yields the number of the next input, which alone determines the input.
impl Iterator for Effort {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        let over =
            self.left.is_some_and(|n| self.number >= n) || self.until.is_some_and(|t| Instant::now() > t);
        self.number += 1;
        (!over).then_some(self.number - 1)
    }
}

pub(super) fn made<S: Strategy>(strategy: &S, number: u64) -> S::Value {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    strategy.new_tree(&mut TestRunner::new_with_rng(Config::default(), rng)).unwrap().current()
}

/// A commanding coordinator with agents that accept its orders.
struct Site {
    lab: Lab,
    fence: Arc<Fence>,
    before: Vec<SeenNode>,
}

/// A node's agent that accepts every epoch.
fn obedient(mut played: Played) {
    tokio::spawn(async move {
        while let Some(kind) = played.next().await {
            if let to_agent::Kind::ClaimEpoch(asked) = kind {
                let (request, highest) = (asked.request, asked.epoch);
                let reply = v1::EpochReply { request, accepted: true, highest };
                played.say(from_agent::Kind::EpochReply(reply)).await;
            }
        }
    });
}

impl Site {
    async fn start() -> Self {
        let lab = lab_over(Fleet::new());
        for node in OTHERS {
            let peer = format!("node/{node}");
            obedient(lab.attach(&peer, hello(node, &format!("l-{node}"))).await.unwrap());
        }
        let instance = "one".parse().unwrap();
        let ports = (lab.hub.clone() as Arc<dyn Agents>, lab.fleet.clone() as Arc<dyn Cluster>);
        let fence = Fence::new(lab.store.clone(), ports, instance, None);
        fence.takeover().await.unwrap();
        assert!(fence.commanding().is_some(), "{:?}", fence.read_only());
        let before = Self::others(&lab);
        Self { lab, fence, before }
    }

    fn others(lab: &Lab) -> Vec<SeenNode> {
        lab.hub.seen().into_iter().filter(|n| n.facts.node.as_str() != WORKER).collect()
    }

    /// Plays one session of the worker, while the coordinator asks it questions.
    async fn suffer(&self, said: Vec<Said>) {
        let (first, rest) = said.split_first().unwrap();
        let hello = first.hello();
        let Ok(mut played) = self.lab.attach(&format!("node/{WORKER}"), hello).await else { return };
        let asking = [self.look(), self.op()];
        self.lab.settle().await;
        for word in rest {
            let asked = std::iter::from_fn(|| played.receive.try_recv().ok()).filter_map(Result::ok).last();
            if played.send.send(Ok(word.message(asked.as_deref()))).await.is_err() {
                break;
            }
        }
        self.lab.settle().await;
        drop(played);
        self.lab.settle().await;
        asking.iter().for_each(tokio::task::JoinHandle::abort);
    }

    fn look(&self) -> tokio::task::JoinHandle<()> {
        let hub = self.lab.hub.clone();
        tokio::spawn(async move { drop(hub.observe(&name(WORKER), &Look::Facts).await) })
    }

    fn op(&self) -> tokio::task::JoinHandle<()> {
        let hub = self.lab.hub.clone();
        let (id, epoch) =
            (OpId::new("r1-s0001-a1").unwrap(), Epoch { number: 1, instance: "one".parse().unwrap() });
        tokio::spawn(async move {
            drop(
                hub.run(
                    &name(WORKER),
                    &id,
                    &epoch,
                    &HostOp::KubeletRestart { devices: None },
                    Arc::new(|_| ()),
                )
                .await,
            );
        })
    }

    /// Checks that only data of the worker has changed since record `from`.
    fn unharmed(&self, number: u64, from: u64) {
        assert!(self.fence.commanding().is_some(), "sequence {number}: {:?}", self.fence.read_only());
        let now = Self::others(&self.lab);
        assert_eq!(now.len(), self.before.len(), "sequence {number}");
        for (was, is) in self.before.iter().zip(&now) {
            assert!(
                Arc::ptr_eq(&was.facts, &is.facts) && is.connected,
                "sequence {number}: {}",
                is.facts.node
            );
        }
        let mine = |node: &NodeName| node.as_str() == WORKER;
        for record in crate::testing::records(&self.lab.store, from + 1) {
            let own = match &record.event {
                Event::AgentConnected { node, .. }
                | Event::LedgerChanged { node, .. }
                | Event::MachineRefused { node, .. } => mine(node),
                _ => false,
            };
            assert!(own && record.run.is_none(), "sequence {number} wrote {record:?}");
        }
        assert!(self.lab.hub.refused().keys().all(mine), "sequence {number}");
    }
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap() * 4096
}

#[test]
fn no_sequence_of_one_workers_messages_harms_the_coordinator_or_another_node() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let site = Site::start().await;
        let strategy = sequence();
        // The first allocation for the largest input must not count as growth.
        site.suffer(made(&strategy, u64::MAX)).await;
        let before = resident();
        for number in Effort::of(300) {
            let from = site.lab.store.head();
            site.suffer(made(&strategy, number)).await;
            site.unharmed(number, from);
            tokio::time::advance(Duration::from_millis(700)).await;
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < GROWTH, "the process has grown by {} MiB", grown >> 20);
    });
}

#[test]
fn a_flood_of_one_agent_costs_only_itself() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let site = Site::start().await;
        let played = site.lab.attach(&format!("node/{WORKER}"), hello(WORKER, "l1")).await.unwrap();
        let send = played.send.clone();
        let flood = tokio::spawn(async move {
            let beat = v1::Heartbeat { sequence: 1, facts: None };
            let message = v1::FromAgent { kind: Some(from_agent::Kind::Heartbeat(beat)) };
            let mut sent = 0_u32;
            while sent < 20_000 && send.send(Ok(message.clone())).await.is_ok() {
                sent += 1;
            }
            sent
        });
        let begun = tokio::time::Instant::now();
        // The answer of another agent arrives undisturbed.
        assert_eq!(site.lab.hub.claim(&name("runai-01"), &site.fence.epoch().unwrap()).await, Ok(true));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(flood.await.unwrap(), 20_000);
        assert!(
            begun.elapsed() >= Duration::from_secs(37),
            "it was read at 500 a second: {:?}",
            begun.elapsed()
        );
        drop(played);
    });
}
