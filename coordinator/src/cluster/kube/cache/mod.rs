//! Objects of one kind, kept up to date by one watch that everything in this process shares. A reader says how new the objects must be. If
//! the watch is behind, broken or not there, the reader asks the API itself.

mod keep;
mod state;
#[cfg(test)]
mod tests;

pub(super) use keep::keep;

use serde::de::DeserializeOwned;
pub(super) use state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// How long a reader waits for the watch to catch up before it asks the API itself. Where much happens, events bring it there within
/// milliseconds; where nothing happens, one small request costs less than the wait.
const CATCH_UP: Duration = Duration::from_millis(250);
/// How long a reader that takes the watch as it is waits for it to be connected. A first list of tens of thousands of pods takes seconds.
const CONNECT: Duration = Duration::from_secs(10);
/// A watch that brings neither an event nor a bookmark for this long is dead. The API sends bookmarks about once a minute.
const SILENCE: Duration = Duration::from_secs(100);
/// Without a reader for this long the watch ends, so that an idle coordinator costs the API nothing.
const IDLE: Duration = Duration::from_secs(600);

/// An object that a cache holds, reduced to the fields that podlift reads.
pub(super) trait Kept: DeserializeOwned + Clone + Send + Sync + 'static {
    /// Path of the list of all objects.
    const PATH: &'static str;
    /// Name of the kind in metrics and logs.
    const KIND: &'static str;
    fn key(&self) -> String;
    /// Objects that are read together.
    fn group(&self) -> &Arc<str>;
    /// resourceVersion; 0 if it is no number.
    fn version(&self) -> u64;
}

/// A resourceVersion as a number; 0 if it is not one. All kinds share the counter of one etcd.
pub(super) fn number(version: &str) -> u64 {
    version.parse().unwrap_or(0)
}

pub(super) struct Cache<T> {
    state: watch::Sender<State<T>>,
    /// When a reader last asked; `None` if none has since the watch ended.
    wanted: watch::Sender<Option<Instant>>,
    /// Reads that went to the API, because the watch was not new enough.
    missed: AtomicU64,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        let (state, wanted) = (watch::Sender::new(State::default()), watch::Sender::new(None));
        Self { state, wanted, missed: AtomicU64::new(0) }
    }
}

impl<T: Kept> Cache<T> {
    /// Passes the state to `read` if it is at least as new as `version`, waiting a moment for it; `None` if the API has to be asked. The
    /// first call starts the watch.
    pub async fn at_least<R>(&self, version: u64, read: impl Fn(&State<T>) -> R) -> Option<R> {
        self.wanted.send_replace(Some(Instant::now()));
        let mut changes = self.state.subscribe();
        // A watch that has listed nothing yet is not back within a moment.
        if changes.borrow().version == 0 {
            return self.miss();
        }
        let new = changes.wait_for(|state| state.is_live() && state.version >= version);
        match timeout(CATCH_UP, new).await {
            Ok(Ok(state)) => Some(read(&state)),
            _ => self.miss(),
        }
    }

    /// Passes the state to `read` if it is at least as new as `version` now; `None` otherwise, which counts as no miss.
    pub fn glance<R>(&self, version: u64, read: impl FnOnce(&State<T>) -> Option<R>) -> Option<Option<R>> {
        self.wanted.send_replace(Some(Instant::now()));
        let state = self.state.borrow();
        (state.is_live() && state.version >= version).then(|| read(&state))
    }

    /// All objects as the watch shows them now, also if it has not heard of our own last write. It waits for a watch that is being
    /// connected; `None` if there is none.
    pub async fn live(&self) -> Option<Vec<Arc<T>>> {
        self.wanted.send_replace(Some(Instant::now()));
        let mut changes = self.state.subscribe();
        match timeout(CONNECT, changes.wait_for(State::is_live)).await {
            Ok(Ok(state)) => Some(state.all()),
            _ => self.miss(),
        }
    }

    fn miss<R>(&self) -> Option<R> {
        self.missed.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// All objects, by key.
    pub async fn all(&self, version: u64) -> Option<Vec<Arc<T>>> {
        self.at_least(version, State::all).await
    }

    /// The objects of one group.
    pub async fn group(&self, version: u64, group: &str) -> Option<Vec<Arc<T>>> {
        self.wanted.send_replace(Some(Instant::now()));
        let agreed = {
            let state = self.state.borrow();
            (state.is_live() && state.agreed(group) >= version).then(|| state.group(group))
        };
        match agreed {
            Some(objects) => Some(objects),
            None => self.at_least(version, |state| state.group(group)).await,
        }
    }

    /// A list of the API at `version` has these objects of a group. If the watch has the same ones, the group is as new as the list: a quiet
    /// cluster brings no event by which the watch could know.
    pub fn agree(&self, group: &str, version: u64, listed: &[T]) {
        self.state.send_if_modified(|state| {
            state.agree(group, version, listed);
            false
        });
    }

    /// One object. The inner `None` means that there is none.
    #[cfg(test)]
    pub async fn get(&self, version: u64, key: &str) -> Option<Option<Arc<T>>> {
        self.at_least(version, |state| state.get(key)).await
    }

    /// What metrics show.
    pub fn gauge(&self) -> Gauge {
        let state = self.state.borrow();
        Gauge {
            kind: T::KIND,
            live: state.is_live(),
            objects: state.len(),
            silent: state.heard.map(|heard| heard.elapsed()),
            missed: self.missed.load(Ordering::Relaxed),
        }
    }
}

/// The condition of one cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    pub kind: &'static str,
    pub live: bool,
    pub objects: usize,
    /// Time since the last event or bookmark; `None` if there was none.
    pub silent: Option<Duration>,
    /// Reads that went to the API instead.
    pub missed: u64,
}

impl Gauge {
    /// There is no watch of this kind.
    pub fn none(kind: &'static str) -> Self {
        Self { kind, live: false, objects: 0, silent: None, missed: 0 }
    }
}
