//! Where a pending pod goes: of the nodes that are Ready, schedulable and tolerated, the one with the fewest pods of the same owner, then with
//! the fewest at all.

use super::taints;
use crate::world::State;
use serde_json::Value;
use std::collections::HashMap;

/// How full the nodes are.
#[derive(Default)]
pub struct Load {
    all: HashMap<String, usize>,
    /// Node and owner.
    of_owner: HashMap<(String, String), usize>,
}

impl Load {
    pub fn of(s: &State) -> Self {
        let mut load = Self::default();
        for (_, pod) in s.api.pods() {
            load.add(pod["spec"]["nodeName"].as_str().unwrap_or_default(), pod);
        }
        load
    }

    pub fn add(&mut self, node: &str, pod: &Value) {
        *self.all.entry(node.into()).or_default() += 1;
        if let Some(owner) = owner(pod) {
            *self.of_owner.entry((node.into(), owner.into())).or_default() += 1;
        }
    }

    pub fn place(&self, s: &State, pod: &Value) -> Option<String> {
        let owner = owner(pod).unwrap_or_default().to_string();
        let nodes = s.api.of("", "nodes").filter(|(_, v)| fits(pod, v)).map(|(k, _)| k.name.clone());
        let count = |node: &String| {
            let mine = self.of_owner.get(&(node.clone(), owner.clone())).copied().unwrap_or_default();
            (mine, self.all.get(node).copied().unwrap_or_default())
        };
        nodes.min_by_key(|node| (count(node), node.clone()))
    }
}

fn owner(pod: &Value) -> Option<&str> {
    pod["metadata"]["ownerReferences"][0]["uid"].as_str()
}

fn fits(pod: &Value, node: &Value) -> bool {
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.any(|c| c["type"] == "Ready" && c["status"] == "True");
    ready && taints::schedulable(&pod["spec"], node) && taints::fits(&pod["spec"], node)
}
