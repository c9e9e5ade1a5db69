//! A drain like `kubectl drain --ignore-daemonsets --delete-emptydir-data` of 1.32, with its refusals and its retries, and with its flags
//! as options. All that may pass is waited for within the drain's own time. At the time limit the drain names what holds each remaining
//! pod. A failed eviction is a failure. This module does not set or remove the cordon.

mod attempt;
mod board;
mod budgets;
mod evict;
mod filter;
mod patience;
mod returning;
mod sets;
mod sight;

pub(super) use sets::Sets;

use super::api::Api;
use super::cache::Cache;
use super::pod::Pod;
use super::{nodes, owner};
use crate::dispatch::Progress;
use board::Board;
use evict::{Ended, Eviction};
use filter::Sorted;
use futures_util::future::join_all;
use jiff::Timestamp;
use patience::Patience;
use podlift_engine::doors::{DrainOptions, EvictionView};
use podlift_model::{Epoch, Failure, NodeName, PodRef, codes, count};
use returning::Cordoned;
use serde_json::Value;
use sight::Sight;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// Time between two lines about a drain that waits.
const REPORT: Duration = Duration::from_secs(5);
/// Time between two lists of a node's pods within one drain.
const ROUND: Duration = Duration::from_millis(250);

/// Pods that an error names.
const SHOWN: usize = 5;

/// Requests of all drains together that are in flight: each costs a connection of the coordinator and of the proxy in front of the API
/// servers, and a large batch has thousands of pods.
pub(super) const IN_FLIGHT: usize = 128;

/// One node's drain.
pub(super) struct Drain<'a> {
    pub api: &'a Api,
    /// Places for requests, shared by all drains.
    pub places: &'a Semaphore,
    /// What is known of DaemonSets, shared by all drains.
    pub sets: &'a Sets,
    /// The shared watch of pods, if there is one.
    pub watched: Option<&'a Cache<Pod>>,
    pub node: &'a NodeName,
    pub options: &'a DrainOptions,
    /// Labels and annotations, `key=value`, by which the owner of a pod forbids its interruption.
    pub never: &'a [String],
    /// How long it may take.
    pub limit: Duration,
    /// The wall clock, to compare with the times in objects.
    pub now: &'a (dyn Fn() -> Timestamp + Send + Sync),
}

/// What a drain has evicted so far.
#[derive(Default)]
struct Gone {
    /// Uids of the pods.
    pods: BTreeSet<Box<str>>,
    /// Their controllers.
    controllers: BTreeSet<String>,
}

impl Gone {
    fn add(&mut self, pods: &[Pod], ends: &[Ended]) {
        // A pod that is left is still there, and the next list names it.
        for (pod, _) in pods.iter().zip(ends).filter(|(_, end)| **end == Ended::Gone) {
            self.controllers.extend(filter::of(pod));
            self.pods.insert(pod.uid.clone());
        }
    }
}

impl Drain<'_> {
    /// What a drain would evict now, what it leaves, and what prevents it. `object` is the Node object as it is now.
    pub async fn look(&self, object: &Value) -> Result<EvictionView, Failure> {
        let (sight, cordoned) = (self.sight(object), Cordoned::of(object));
        let sorted = self.sort(&sight, &cordoned, &Gone::default()).await?;
        let terminating = sorted.evict.iter().filter(|pod| pod.deleting.is_some());
        Ok(EvictionView {
            evict: sorted.evict.iter().map(|pod| pod.name()).collect(),
            never: sorted
                .evict
                .iter()
                .filter_map(|pod| Some(format!("{} ({})", pod.name(), pod.never(self.never)?)))
                .collect(),
            refused: sorted.refused,
            left: sorted.left,
            held: terminating.map(|pod| format!("{} ({})", pod.name(), board::terminating(pod))).collect(),
        })
    }

    /// Pods that are to be evicted and whose owners want a checkpoint before, even if their annotations can't be understood: then the agent
    /// says so, and nothing is lost unsaved.
    pub async fn hooked(&self, object: &Value) -> Result<Vec<PodRef>, Failure> {
        self.running(object, Pod::wants_checkpoint).await
    }

    /// Pods that are to be evicted and in which people work.
    pub async fn with_people(&self, object: &Value) -> Result<Vec<PodRef>, Failure> {
        self.running(object, Pod::is_interactive).await
    }

    /// Pods of this kind that are to be evicted and still run.
    async fn running(&self, object: &Value, of: fn(&Pod) -> bool) -> Result<Vec<PodRef>, Failure> {
        let (sight, cordoned) = (self.sight(object), Cordoned::of(object));
        let sorted = self.sort(&sight, &cordoned, &Gone::default()).await?;
        let runs = |pod: &&Pod| of(pod) && pod.deleting.is_none() && !pod.finished;
        sorted.evict.iter().filter(runs).map(Pod::reference).collect()
    }

    /// Evicts until no pod is left that has to go. `told` receives a line about what it waits for.
    pub async fn run(&self, epoch: &Epoch, told: &Progress) -> Result<String, Failure> {
        let deadline = Instant::now() + self.limit;
        let patience = Patience { deadline };
        let mut object = self.cordoned_node(&patience, epoch).await?;
        let sight = self.sight(&object);
        let mut gone = Gone::default();
        let mut notes: Vec<String> = Vec::new();
        loop {
            let cordoned = Cordoned::of(&object);
            let sorted = patience.ask(|| self.sort(&sight, &cordoned, &gone)).await?;
            if !sorted.refused.is_empty() {
                let text = format!("{} can't be drained: {}", self.node, sorted.refused.join("; "));
                return Err(Failure::operator(codes::DRAIN_REFUSED, text));
            }
            if sorted.evict.is_empty() {
                return Ok(self.line(gone.pods.len(), &notes, &sorted.left));
            }
            if Instant::now() >= deadline {
                return Err(self.endless(&sorted, gone.pods.len()));
            }
            notes.extend(sorted.note());
            let ends = match self.round(&sight, &sorted, deadline, told).await {
                Ok(ends) => ends,
                // What blocks a drain of a node that takes new pods is not what the budgets say.
                Err(failure) => {
                    return Err(self.cordoned_node(&patience, epoch).await.err().unwrap_or(failure));
                }
            };
            gone.add(&sorted.evict, &ends);
            // A pod may have been bound to the node just before the cordon, so the list is read again.
            sleep(ROUND).await;
            object = self.cordoned_node(&patience, epoch).await?;
        }
    }

    /// The node, which is cordoned and not of another coordinator. Each round asks anew: on a node that is schedulable again, evictions only
    /// move pods in a circle.
    async fn cordoned_node(&self, patience: &Patience, epoch: &Epoch) -> Result<Value, Failure> {
        let object = patience.ask(|| nodes::raw(self.api, self.node)).await?;
        owner::check(&object, epoch)?;
        if object["spec"]["unschedulable"] == true {
            return Ok(object);
        }
        let text = format!(
            "{} is not cordoned any more: another person or program has uncordoned it while it was drained",
            self.node
        );
        Err(Failure::operator(codes::CORDON_LOST, text))
    }

    /// Pods come as fast as they go, until the time is over.
    fn endless(&self, sorted: &Sorted, evicted: usize) -> Failure {
        let come: Vec<String> = sorted.evict.iter().take(SHOWN).map(Pod::name).collect();
        let text = format!(
            "{} evicted from {} within {} s, and others come to it in spite of its cordon: {}; find out who makes them",
            count(evicted, "pod"),
            self.node,
            self.limit.as_secs(),
            come.join(", ")
        );
        Failure::operator(codes::DRAIN_BLOCKED, text)
    }

    fn sight(&self, object: &Value) -> Sight<'_> {
        Sight::after(object, self.api, self.watched)
    }

    /// The pods of the node, without those that this drain has seen go.
    async fn sort(&self, sight: &Sight<'_>, cordoned: &Cordoned, gone: &Gone) -> Result<Sorted, Failure> {
        let pods = sight.pods(self.node).await?;
        let pods = pods.into_iter().filter(|pod| !gone.pods.contains(&pod.uid)).collect();
        let (options, evicted) = (self.options, &gone.controllers);
        let rules = filter::Rules { options, cordoned, evicted, now: (self.now)() };
        filter::sort(self.api, self.sets, pods, &rules).await
    }

    /// Evicts these pods side by side, and waits until they are gone.
    async fn round(
        &self,
        sight: &Sight<'_>,
        sorted: &Sorted,
        deadline: Instant,
        told: &Progress,
    ) -> Result<Vec<Ended>, Failure> {
        let board = Board::new(&sorted.evict);
        let eviction = |at: usize| Eviction {
            api: self.api,
            places: self.places,
            sight,
            pod: &sorted.evict[at],
            options: self.options,
            now: self.now,
            deadline,
            slot: board.slot(at),
        };
        let evictions = (0..sorted.evict.len()).map(|at| eviction(at).run());
        let ends = tokio::select! {
            ends = join_all(evictions) => ends,
            () = self.report(&board, told) => return Ok(vec![]),
        };
        self.judge(&board, &ends).await.map(|()| ends)
    }

    /// Sends a line every few seconds, without end.
    async fn report(&self, board: &Board<'_>, told: &Progress) {
        loop {
            sleep(REPORT).await;
            told(board.line(self.node));
        }
    }

    async fn judge(&self, board: &Board<'_>, ends: &[Ended]) -> Result<(), Failure> {
        let failed: Vec<&str> = ends.iter().filter_map(Ended::failed).collect();
        if !failed.is_empty() {
            let text = format!(
                "{} of {} from {} failed: {}",
                failed.len(),
                count(ends.len(), "eviction"),
                self.node,
                failed.join("; ")
            );
            return Err(Failure::operator(codes::EVICTION_FAILED, text));
        }
        match board.held(ends) {
            held if held.is_empty() => Ok(()),
            held => Err(budgets::blocked(self.api, self.node, &held, self.limit).await),
        }
    }

    fn line(&self, number: usize, notes: &[String], left: &[String]) -> String {
        let mut line = format!("{} evicted from {}", count(number, "pod"), self.node);
        notes.iter().for_each(|note| line.push_str(&format!("; {note}")));
        if !left.is_empty() {
            line.push_str(&format!("; left there: {}", left.join(", ")));
        }
        line
    }
}
