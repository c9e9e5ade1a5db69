//! What the API servers were asked for, by user, verb and resource: requests and the bytes of their answers.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub requests: u64,
    pub bytes: u64,
}

/// User, verb, resource.
type Who = (String, String, String);

#[derive(Debug, Default)]
pub struct Traffic {
    asked: Mutex<BTreeMap<Who, Count>>,
    /// Of events of watches, milliseconds from the change to the watch's answer.
    delays: Mutex<Vec<u64>>,
}

impl Traffic {
    pub fn request(&self, user: &str, verb: &str, resource: &str, bytes: u64) {
        self.add(user, verb, resource, Count { requests: 1, bytes });
    }

    /// More of an answer that is a stream.
    pub fn more(&self, user: &str, verb: &str, resource: &str, bytes: u64) {
        self.add(user, verb, resource, Count { requests: 0, bytes });
    }

    fn add(&self, user: &str, verb: &str, resource: &str, count: Count) {
        let who = (user.to_string(), verb.to_string(), resource.to_string());
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = all.entry(who).or_default();
        sum.requests += count.requests;
        sum.bytes += count.bytes;
    }

    pub fn delayed(&self, by: std::time::Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).push(by);
    }

    /// Those since the last call.
    pub fn take_delays(&self) -> Vec<u64> {
        std::mem::take(&mut *self.delays.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Of one user, as `list pods`.
    pub fn of(&self, user: &str) -> BTreeMap<String, Count> {
        let all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = all.iter().filter(|((who, ..), _)| who == user);
        mine.map(|((_, verb, resource), count)| (format!("{verb} {resource}"), *count)).collect()
    }
}
