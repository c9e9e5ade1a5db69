//! API objects as JSON, one resourceVersion counter for all, and a log for watches and old pages. Storage only: the
//! rules for their contents are beside it, and requests and answers are in `crate::api`.

use super::index::Index;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// Events kept for watches that start in the past, and for the later pages of a list.
const KEPT: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub group: String,
    pub resource: String,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(group: &str, resource: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: group.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }
    pub fn node(name: &str) -> Self {
        Self::new("", "nodes", "", name)
    }
    pub fn pod(namespace: &str, name: &str) -> Self {
        Self::new("", "pods", namespace, name)
    }
    pub fn config_map(name: &str) -> Self {
        Self::new("", "configmaps", "kube-system", name)
    }

    fn is_of(&self, group: &str, resource: &str) -> bool {
        self.group == group && self.resource == resource
    }
}

#[derive(Debug, Clone)]
pub struct Event {
    pub version: u64,
    /// ADDED, MODIFIED, DELETED.
    pub kind: &'static str,
    pub key: Key,
    pub object: Arc<Value>,
    /// What it was before.
    pub before: Option<Arc<Value>>,
    /// For measuring how late a watch shows it.
    pub at: Instant,
}

#[derive(Debug, Default)]
pub struct Objects {
    items: BTreeMap<Key, Arc<Value>>,
    pub version: u64,
    log: VecDeque<Event>,
    /// Version of the last event that was forgotten.
    pub forgotten: u64,
    index: Index,
}

impl Objects {
    /// Empty, as if this many versions were gone and forgotten.
    pub fn starting_at(version: u64) -> Self {
        Self { version, forgotten: version, ..Self::default() }
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.items.get(key).map(Arc::as_ref)
    }

    pub fn of<'a>(&'a self, group: &'a str, resource: &'a str) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        self.shared(group, resource).map(|(k, v)| (k, v.as_ref()))
    }

    /// The same, to be kept after the lock is gone.
    pub fn shared<'a>(
        &'a self,
        group: &'a str,
        resource: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        let from = Key::new(group, resource, "", "");
        self.items.range(from..).take_while(move |(k, _)| k.is_of(group, resource))
    }

    pub fn everything(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.items.iter().map(|(k, v)| (k, v.as_ref()))
    }

    pub fn pods(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.of("", "pods")
    }

    pub fn pods_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        let all = self.items.range(Key::pod(namespace, "")..);
        let here = move |k: &Key| k.is_of("", "pods") && k.namespace == namespace;
        all.take_while(move |(k, _)| here(k)).map(|(k, v)| (k, v.as_ref()))
    }

    /// Pods that are bound to a node, in the order of their keys.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = (&Key, &Value)> {
        self.shared_on(node).map(|(k, v)| (k, v.as_ref()))
    }

    /// The same, to be kept after the lock is gone.
    pub fn shared_on(&self, node: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.index.on(node)
    }

    /// What names this object as an owner.
    pub fn owned_by(&self, owner: &Value) -> impl Iterator<Item = (&Key, &Value)> {
        self.index.owned(owner["metadata"]["uid"].as_str().unwrap_or_default())
    }

    pub fn has_uid(&self, uid: &str) -> bool {
        self.index.has_uid(uid)
    }

    /// Pods that are pending, ending, or without a container's image.
    pub fn unsettled_pods(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.index.unsettled()
    }

    /// Objects that came, and objects whose owner went, in this round of the controllers or since the last one.
    pub fn new_orphans(&self) -> impl Iterator<Item = (&Key, &Value)> {
        let orphans = self.index.orphans().filter_map(|key| self.items.get_key_value(key));
        orphans.map(|(k, v)| (k, v.as_ref()))
    }

    /// What controllers have not seen, and what they use to find things.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Controllers begin another round.
    pub fn turn(&mut self) {
        self.index.turn();
    }

    /// What there was at a version. None: that is forgotten.
    pub fn at(&self, version: u64, group: &str, resource: &str) -> Option<BTreeMap<Key, Arc<Value>>> {
        if version < self.forgotten {
            return None;
        }
        let mut all: BTreeMap<Key, Arc<Value>> =
            self.shared(group, resource).map(|(k, v)| (k.clone(), v.clone())).collect();
        for e in self.log.iter().rev().take_while(|e| e.version > version) {
            match (e.key.is_of(group, resource), &e.before) {
                (false, _) => {}
                (true, Some(before)) => drop(all.insert(e.key.clone(), before.clone())),
                (true, None) => drop(all.remove(&e.key)),
            }
        }
        Some(all)
    }

    /// Creates or replaces; sets resourceVersion. An equal object is no change and gets no new version.
    pub fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.items.get(&key).cloned();
        if let Some(old) = &before {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            if object == **old {
                return object;
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if before.is_some() { "MODIFIED" } else { "ADDED" };
        let shared = Arc::new(object.clone());
        self.index.note(&key, before.as_ref(), Some(&shared));
        self.items.insert(key.clone(), shared.clone());
        let at = Instant::now();
        self.remember(Event { version: self.version, kind, key, object: shared, before, at });
        object
    }

    pub fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Value> {
        let mut object = Value::clone(self.items.get(key)?);
        change(&mut object);
        Some(self.put(key.clone(), object))
    }

    pub fn delete(&mut self, key: &Key) -> Option<Value> {
        let before = self.items.remove(key)?;
        self.index.note(key, Some(&before), None);
        let mut object = Value::clone(&before);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.remember(Event {
            version: self.version,
            kind: "DELETED",
            key: key.clone(),
            object: Arc::new(object.clone()),
            before: Some(before),
            at: Instant::now(),
        });
        Some(object)
    }

    pub fn since(&self, version: u64) -> impl Iterator<Item = &Event> {
        let start = self.log.partition_point(|e| e.version <= version);
        self.log.iter().skip(start)
    }

    /// Forgets all events, as etcd's compaction does: watches and pages from before get 410.
    pub fn compact(&mut self) {
        self.log.clear();
        self.forgotten = self.version;
    }

    fn remember(&mut self, event: Event) {
        self.log.push_back(event);
        while self.log.len() > KEPT {
            self.forgotten = self.log.pop_front().map_or(self.forgotten, |e| e.version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_seen_until_it_is_forgotten() {
        let mut all = Objects::starting_at(10);
        let (a, b) = (Key::config_map("a"), Key::config_map("b"));
        all.put(a.clone(), json!({"metadata": {}, "x": 1}));
        all.put(b.clone(), json!({"metadata": {}}));
        let then = all.version;
        all.change(&a, |v| v["x"] = json!(2));
        all.delete(&b);
        all.put(Key::config_map("c"), json!({"metadata": {}}));
        let past = all.at(then, "", "configmaps").unwrap();
        assert_eq!((past.len(), &past[&a]["x"]), (2, &json!(1)));
        assert_eq!(all.of("", "configmaps").count(), 2);
        all.compact();
        assert!(all.at(then, "", "configmaps").is_none());
    }
}
