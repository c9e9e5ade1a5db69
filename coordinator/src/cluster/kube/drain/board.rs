//! What holds each pod of a drain, and for how long: for the line while the drain waits, and for the refusal at its end.

use super::super::pod::Pod;
use super::evict::Ended;
use podlift_model::NodeName;
use std::mem::discriminant;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Pods that a line shows.
const SHOWN: usize = 5;

/// Why a pod is still there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Hold {
    /// The eviction is refused; the API's words.
    Refused(String),
    /// Its own controller moves it; the API's words.
    Moving(String),
    /// The eviction was accepted, and the pod is not being deleted.
    Accepted,
    Terminating(Box<Pod>),
    /// The eviction was accepted, and the pod can't be seen; the reason.
    Unseen(String),
}

impl Hold {
    /// Whether a budget may be the reason.
    pub fn is_refused(&self) -> bool {
        matches!(self, Hold::Refused(_))
    }

    pub fn text(&self) -> String {
        match self {
            Hold::Refused(why) => why.clone(),
            Hold::Moving(why) => format!("its own controller moves it: {why}"),
            Hold::Accepted => "the eviction was accepted, and the pod is not being deleted".into(),
            Hold::Terminating(pod) => terminating(pod),
            Hold::Unseen(why) => format!("the eviction was accepted; the pod can't be looked at: {why}"),
        }
    }
}

/// Why a pod that is being deleted is still there.
pub(super) fn terminating(pod: &Pod) -> String {
    let since = pod.deleted_since().map_or(String::new(), |t| format!(" since {t}"));
    match pod.finalizers.is_empty() {
        true => format!("terminating{since}, its kubelet has not ended it"),
        false => format!("terminating{since}, held by finalizer {}", pod.finalizers.join(", ")),
    }
}

/// A pod that is held, why, and since when.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub why: Hold,
    pub since: Instant,
}

pub(super) struct Board<'a> {
    pods: &'a [Pod],
    holds: Mutex<Vec<Option<Held>>>,
}

/// One pod's place on the board.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    board: &'a Board<'a>,
    at: usize,
}

impl Slot<'_> {
    /// The time counts from the first hold of the same kind.
    pub fn put(&self, why: Hold) {
        let mut holds = self.board.holds();
        let since = holds[self.at].as_ref().filter(|held| discriminant(&held.why) == discriminant(&why));
        let since = since.map_or_else(Instant::now, |held| held.since);
        holds[self.at] = Some(Held { why, since });
    }

    pub fn clear(&self) {
        self.board.holds()[self.at] = None;
    }
}

impl<'a> Board<'a> {
    pub fn new(pods: &'a [Pod]) -> Self {
        Self { pods, holds: Mutex::new(vec![None; pods.len()]) }
    }

    pub fn slot(&'a self, at: usize) -> Slot<'a> {
        Slot { board: self, at }
    }

    fn holds(&self) -> MutexGuard<'_, Vec<Option<Held>>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pods that the drain could not make go in its time.
    pub fn held(&self, ends: &[Ended]) -> Vec<(&'a Pod, Held)> {
        let holds = self.holds();
        let blocked = self.pods.iter().zip(ends.iter().zip(holds.iter()));
        let blocked = blocked.filter(|(_, (end, _))| **end == Ended::Blocked);
        blocked.filter_map(|(pod, (_, held))| Some((pod, held.clone()?))).collect()
    }

    /// What the drain waits for now.
    pub fn line(&self, node: &NodeName) -> String {
        let holds = self.holds();
        let held = self.pods.iter().zip(holds.iter()).filter_map(|(pod, held)| Some((pod, held.as_ref()?)));
        let lines: Vec<String> = held.map(|(pod, held)| held.line(pod)).collect();
        let more = lines.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let shown = &lines[..lines.len().min(SHOWN)];
        let all = podlift_model::count(self.pods.len(), "pod");
        format!("{} of {all} left on {node}: {}{more}", lines.len(), shown.join("; "))
    }
}

impl Held {
    pub fn seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }

    fn line(&self, pod: &Pod) -> String {
        format!("{} ({}, for {} s)", pod.name(), self.why.text(), self.seconds())
    }
}
