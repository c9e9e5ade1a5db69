//! Pods by what owns them, made once where a controller needs it: a cluster has tens of thousands of pods and hundreds of owners.

use crate::objects::Key;
use crate::world::State;
use serde_json::Value;
use std::collections::HashMap;

pub struct ByOwner<'a>(HashMap<&'a str, Vec<(&'a Key, &'a Value)>>);

impl<'a> ByOwner<'a> {
    /// Those that are not ending.
    pub fn alive(s: &'a State) -> Self {
        Self::of(s, |pod| pod["metadata"]["deletionTimestamp"].is_null())
    }

    pub fn all(s: &'a State) -> Self {
        Self::of(s, |_| true)
    }

    fn of(s: &'a State, wanted: impl Fn(&Value) -> bool) -> Self {
        let mut all: HashMap<&str, Vec<(&Key, &Value)>> = HashMap::new();
        for (key, pod) in s.api.pods().filter(|(_, pod)| wanted(pod)) {
            for owner in pod["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
                all.entry(owner["uid"].as_str().unwrap_or_default()).or_default().push((key, pod));
            }
        }
        Self(all)
    }

    pub fn pods(&self, owner: &Value) -> &[(&'a Key, &'a Value)] {
        let uid = owner["metadata"]["uid"].as_str().unwrap_or_default();
        self.0.get(uid).map_or(&[], Vec::as_slice)
    }
}
