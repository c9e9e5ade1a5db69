//! What controllers and kubelets look for in all objects, kept with every change: a cluster has tens of thousands of pods, and a look through
//! all of them at each question would be most of the lab's time.

use super::Key;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Objects in the order of their keys.
type Found = BTreeMap<Key, Arc<Value>>;

#[derive(Debug, Default)]
pub struct Index {
    /// Pods by the node to which they are bound.
    on: HashMap<String, Found>,
    /// Objects by the uids of their owners.
    owned: HashMap<String, Found>,
    /// How many objects have a uid.
    uids: HashMap<String, usize>,
    /// Pods that are pending, ending, or without a container's image.
    unsettled: Found,
    /// Annotations of pods when they started, by uid.
    started: HashMap<String, Value>,
    changed: Changed,
    /// What had changed before the last `turn`.
    earlier: Changed,
}

/// Changes that controllers have not seen.
#[derive(Debug, Default)]
struct Changed {
    /// Uids of objects, and of the owners of objects.
    uids: BTreeSet<String>,
    /// Pods as they are, or as they were when they were deleted.
    pods: Found,
    /// Objects that came, and objects whose owner went.
    orphans: BTreeSet<Key>,
}

impl Index {
    /// An object is now this instead of that.
    pub fn note(&mut self, key: &Key, before: Option<&Arc<Value>>, after: Option<&Arc<Value>>) {
        before.into_iter().for_each(|v| self.forget(key, v));
        after.into_iter().for_each(|v| self.learn(key, v));
        for v in before.into_iter().chain(after) {
            self.changed.uids.extend(owners(v).chain(uid(v)).map(String::from));
        }
        if let Some(last) = after.or(before).filter(|_| is_pod(key)) {
            self.changed.pods.insert(key.clone(), last.clone());
            self.follow_start(last, after.is_none());
        }
        match (before, after) {
            (None, Some(_)) => drop(self.changed.orphans.insert(key.clone())),
            (Some(v), None) => {
                let mine = uid(v).and_then(|uid| self.owned.get(uid)).into_iter().flatten();
                self.changed.orphans.extend(mine.map(|(key, _)| key.clone()));
            }
            _ => {}
        }
    }

    fn forget(&mut self, key: &Key, v: &Value) {
        let gone = |map: &mut HashMap<String, Found>, at: &str| {
            if let Some(keys) = map.get_mut(at) {
                keys.remove(key);
                if keys.is_empty() {
                    map.remove(at);
                }
            }
        };
        if let Some(uid) = uid(v)
            && let Some(count) = self.uids.get_mut(uid)
        {
            *count -= 1;
            if *count == 0 {
                self.uids.remove(uid);
            }
        }
        owners(v).for_each(|uid| gone(&mut self.owned, uid));
        if is_pod(key) {
            gone(&mut self.on, node(v));
            self.unsettled.remove(key);
        }
    }

    fn learn(&mut self, key: &Key, v: &Arc<Value>) {
        if let Some(uid) = uid(v) {
            *self.uids.entry(uid.into()).or_default() += 1;
        }
        for uid in owners(v) {
            self.owned.entry(uid.into()).or_default().insert(key.clone(), v.clone());
        }
        if is_pod(key) {
            self.on.entry(node(v).into()).or_default().insert(key.clone(), v.clone());
            if is_unsettled(v) {
                self.unsettled.insert(key.clone(), v.clone());
            }
        }
    }

    /// A pod's sandbox has the annotations that the pod had when it started, whatever the API shows afterwards.
    fn follow_start(&mut self, pod: &Value, gone: bool) {
        let Some(uid) = uid(pod) else { return };
        if gone {
            self.started.remove(uid);
        } else if pod["status"]["phase"] == "Running" {
            let now = || pod["metadata"]["annotations"].clone();
            self.started.entry(uid.into()).or_insert_with(now);
        }
    }

    /// Annotations of a pod when it started; `None` if it has not.
    pub fn annotations_at_start(&self, pod: &Value) -> Option<&Value> {
        self.started.get(uid(pod)?)
    }

    /// Controllers begin another round: what changed before their last one is seen.
    pub fn turn(&mut self) {
        self.earlier = std::mem::take(&mut self.changed);
    }

    /// Whether this object, or one that it owns, changed in this round or since the last one.
    pub fn is_changed(&self, v: &Value) -> bool {
        uid(v).is_none_or(|uid| self.changed.uids.contains(uid) || self.earlier.uids.contains(uid))
    }

    pub fn changed_pods(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.earlier.pods.iter().chain(&self.changed.pods).map(|(k, v)| (k, v.as_ref()))
    }

    pub fn orphans(&self) -> impl Iterator<Item = &Key> {
        self.earlier.orphans.iter().chain(&self.changed.orphans)
    }

    pub fn on(&self, node: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.on.get(node).into_iter().flatten()
    }

    /// How many pods are bound to a node.
    pub fn count_on(&self, node: &str) -> usize {
        self.on.get(node).map_or(0, BTreeMap::len)
    }

    pub fn owned(&self, uid: &str) -> impl Iterator<Item = (&Key, &Value)> {
        self.owned.get(uid).into_iter().flatten().map(|(k, v)| (k, v.as_ref()))
    }

    pub fn has_uid(&self, uid: &str) -> bool {
        self.uids.contains_key(uid)
    }

    pub fn unsettled(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.unsettled.iter().map(|(k, v)| (k, v.as_ref()))
    }
}

fn is_pod(key: &Key) -> bool {
    key.group.is_empty() && key.resource == "pods"
}

fn is_unsettled(pod: &Value) -> bool {
    pod["status"]["phase"] == "Pending"
        || !pod["metadata"]["deletionTimestamp"].is_null()
        || !pod["status"]["containerStatuses"][0]["state"]["waiting"].is_null()
}

fn uid(v: &Value) -> Option<&str> {
    v["metadata"]["uid"].as_str()
}

fn node(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}

fn owners(v: &Value) -> impl Iterator<Item = &str> {
    let all = v["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    all.filter_map(|o| o["uid"].as_str())
}

#[cfg(test)]
mod tests {
    use super::super::Objects;
    use super::*;
    use serde_json::json;

    fn pod(node: &str, phase: &str) -> Value {
        json!({"metadata": {"uid": "p", "ownerReferences": [{"uid": "o"}]}, "spec": {"nodeName": node}, "status": {"phase": phase}})
    }

    #[test]
    fn what_is_looked_for_follows_each_change() {
        let (mut all, key) = (Objects::starting_at(1), Key::pod("n", "a"));
        let owner = json!({"metadata": {"uid": "o"}});
        all.put(key.clone(), pod("", "Pending"));
        let seen = |all: &Objects| {
            let at = ["", "dgx030"].map(|node| all.pods_on(node).count());
            (at, all.owned_by(&owner).count(), all.unsettled_pods().count(), all.has_uid("p"))
        };
        assert_eq!(seen(&all), ([1, 0], 1, 1, true));
        all.change(&key, |v| *v = pod("dgx030", "Running"));
        assert_eq!(seen(&all), ([0, 1], 1, 0, true));
        all.delete(&key);
        assert_eq!(seen(&all), ([0, 0], 0, 0, false));
    }

    #[test]
    fn a_sandbox_keeps_the_annotations_of_its_start() {
        let (mut all, key) = (Objects::starting_at(1), Key::pod("n", "a"));
        let annotate = |v: &mut Value, text: &str| v["metadata"]["annotations"] = json!({ "a": text });
        all.put(key.clone(), pod("", "Pending"));
        all.change(&key, |v| annotate(v, "before"));
        all.change(&key, |v| v["status"]["phase"] = json!("Running"));
        let last = all.change(&key, |v| annotate(v, "after")).unwrap();
        assert_eq!(all.index().annotations_at_start(&last), Some(&json!({"a": "before"})));
        all.delete(&key);
        assert_eq!(all.index().annotations_at_start(&last), None);
    }

    #[test]
    fn a_change_is_seen_in_its_round_and_in_the_next_one() {
        let (mut all, key) = (Objects::starting_at(1), Key::pod("n", "a"));
        let owner = json!({"metadata": {"uid": "o"}});
        all.put(key.clone(), pod("dgx030", "Running"));
        for (changed, orphans) in [(true, 1), (true, 1), (false, 0)] {
            let pods = all.index().changed_pods().count();
            assert_eq!(
                (all.index().is_changed(&owner), pods > 0, all.new_orphans().count()),
                (changed, changed, orphans)
            );
            all.turn();
        }
        // Its owner goes: the pod has to be looked at again.
        all.put(Key::config_map("o"), owner.clone());
        (0..2).for_each(|_| all.turn());
        all.delete(&Key::config_map("o"));
        assert_eq!(all.new_orphans().map(|(k, _)| k.clone()).collect::<Vec<_>>(), [key]);
    }
}
