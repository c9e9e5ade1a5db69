//! Requests that several callers make at the same time: they share one, and its answer is kept for nobody who comes later. A caller that has
//! changed what it asks for gives another stamp, so that it never joins a request from before its change.

use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use podlift_model::Failure;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

pub(crate) type Answer<V> = Result<V, Failure>;
pub(crate) type Flight<V> = BoxFuture<'static, Answer<V>>;

/// A request with the stamp of its start. It does not keep the work alive, which ends with the last caller.
type Open<V> = (u64, WeakShared<Flight<V>>);

/// Requests under way, by what they ask for.
pub(crate) struct Flights<K, V: Clone> {
    open: Mutex<HashMap<K, Open<V>>>,
}

impl<K, V: Clone> Default for Flights<K, V> {
    fn default() -> Self {
        Self { open: Mutex::default() }
    }
}

impl<K: Eq + Hash, V: Clone> Flights<K, V> {
    /// Joins the request for `key` that began with the same stamp and is not answered, or begins one.
    pub async fn join(&self, key: K, stamp: u64, begin: impl FnOnce() -> Flight<V>) -> Answer<V> {
        let flight = self.flight(key, stamp, begin);
        flight.await
    }

    fn flight(&self, key: K, stamp: u64, begin: impl FnOnce() -> Flight<V>) -> Shared<Flight<V>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, (_, weak)| under_way(weak).is_some());
        let same = open.get(&key).filter(|(at, _)| *at == stamp).and_then(|(_, weak)| under_way(weak));
        if let Some(flight) = same {
            return flight;
        }
        let flight = begin().shared();
        if let Some(weak) = flight.downgrade() {
            open.insert(key, (stamp, weak));
        }
        flight
    }
}

fn under_way<V: Clone>(weak: &WeakShared<Flight<V>>) -> Option<Shared<Flight<V>>> {
    weak.upgrade().filter(|flight| flight.peek().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::{sleep, timeout};

    fn begin(asked: &Arc<AtomicU32>) -> Flight<u32> {
        let asked = asked.clone();
        async move {
            let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
            sleep(Duration::from_secs(1)).await;
            Ok(number)
        }
        .boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn only_requests_of_the_same_time_and_stamp_are_one() {
        let (flights, asked) = (Flights::<&str, u32>::default(), Arc::default());
        let join = |key, stamp| flights.join(key, stamp, || begin(&asked));
        let together = tokio::join!(join("a", 1), join("a", 1), join("b", 1));
        assert_eq!(together, (Ok(1), Ok(1), Ok(2)));
        assert_eq!(join("a", 1).await, Ok(3), "the answer is not kept");
        let written = tokio::join!(join("a", 1), join("a", 2));
        assert_eq!(written, (Ok(4), Ok(5)), "a write of ours came between");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_its_callers_gave_up_is_not_joined() {
        let (flights, asked) = (Flights::<&str, u32>::default(), Arc::default());
        let given_up = timeout(Duration::from_millis(500), flights.join("a", 1, || begin(&asked))).await;
        assert!(given_up.is_err());
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(flights.join("a", 1, || begin(&asked)).await, Ok(2), "its answer would be an hour old");
    }
}
