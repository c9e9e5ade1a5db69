//! Which DaemonSets exist. All nodes have pods of the same few, so every drain asks for the same ones: a request under way is shared, and
//! "it exists" is believed for a moment. That one is missing is asked anew each time, because a drain stops for it.

use super::super::api::Api;
use crate::flights::Flights;
use futures_util::future::FutureExt as _;
use podlift_model::Failure;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long "it exists" is believed. A pod whose DaemonSet was deleted meanwhile is left on the node: the garbage
/// collector ends it, unless it was deleted with `--cascade=orphan`.
pub(super) const BELIEVED: Duration = Duration::from_secs(10);

/// (namespace, name).
pub(super) type Set = (String, String);

#[derive(Default)]
pub(in super::super) struct Sets {
    asked: Flights<Set, bool>,
    /// When those that exist were asked for.
    seen: Mutex<BTreeMap<Set, Instant>>,
}

impl Sets {
    pub async fn exists(&self, api: &Api, set: Set) -> Result<bool, Failure> {
        if self.is_believed(&set) {
            return Ok(true);
        }
        let (at, own, name) = (Instant::now(), api.clone(), set.clone());
        let ask = || {
            async move {
                let (namespace, name) = name;
                let path = format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}");
                Ok::<_, Failure>(own.find(&path).await?.is_some())
            }
            .boxed()
        };
        let exists = self.asked.join(set.clone(), 0, ask).await?;
        if exists {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(set, at);
        }
        Ok(exists)
    }

    fn is_believed(&self, set: &Set) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, at| at.elapsed() < BELIEVED);
        seen.contains_key(set)
    }
}
