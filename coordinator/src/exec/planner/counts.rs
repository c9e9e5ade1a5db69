//! Progress of a plan's looks, for watchers. A slow watcher misses numbers and delays nothing.

use tokio::sync::watch;

/// The number of answered looks of one kind, and their total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub what: &'static str,
    pub done: usize,
    pub total: usize,
}

/// The counts, in the order in which the looks began.
#[derive(Clone)]
pub struct Counts(watch::Sender<Vec<Count>>);

impl Default for Counts {
    fn default() -> Self {
        Self(watch::Sender::new(vec![]))
    }
}

impl Counts {
    pub fn subscribe(&self) -> watch::Receiver<Vec<Count>> {
        self.0.subscribe()
    }

    pub(crate) fn begin(&self, what: &'static str, total: usize) {
        self.0.send_modify(|all| all.push(Count { what, done: 0, total }));
    }

    pub(crate) fn one(&self, what: &'static str) {
        self.0.send_modify(|all| {
            if let Some(count) = all.iter_mut().rev().find(|c| c.what == what) {
                count.done += 1;
            }
        });
    }

    /// Counts a single look.
    pub(crate) async fn of<T>(&self, what: &'static str, look: impl Future<Output = T>) -> T {
        self.begin(what, 1);
        let seen = look.await;
        self.one(what);
        seen
    }
}
