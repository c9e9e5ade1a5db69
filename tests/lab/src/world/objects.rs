//! API objects as JSON, one resourceVersion counter for all, and a log for watches. Storage only: rules of the API are in `crate::api`.

use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Events kept for watches that start in the past.
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
}

#[derive(Debug, Clone)]
pub struct Event {
    pub version: u64,
    /// ADDED, MODIFIED, DELETED.
    pub kind: &'static str,
    pub key: Key,
    pub object: Value,
    /// What it was before, for selectors that it left.
    pub before: Option<Value>,
}

#[derive(Debug, Default)]
pub struct Objects {
    items: BTreeMap<Key, Value>,
    pub version: u64,
    log: VecDeque<Event>,
    /// Version of the last event that was forgotten.
    pub forgotten: u64,
}

impl Objects {
    /// Empty, as if this many versions were gone and forgotten.
    pub fn starting_at(version: u64) -> Self {
        Self { version, forgotten: version, ..Self::default() }
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.items.get(key)
    }

    pub fn of<'a>(&'a self, group: &'a str, resource: &'a str) -> impl Iterator<Item = (&'a Key, &'a Value)> {
        self.items.iter().filter(move |(k, _)| k.group == group && k.resource == resource)
    }

    pub fn pods(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.of("", "pods")
    }

    /// Creates or replaces; sets resourceVersion. An equal object is no change and gets no new version.
    pub fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.items.get(&key).cloned();
        if let Some(old) = &before {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            if object == *old {
                return object;
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if before.is_some() { "MODIFIED" } else { "ADDED" };
        self.items.insert(key.clone(), object.clone());
        self.remember(Event { version: self.version, kind, key, object: object.clone(), before });
        object
    }

    pub fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Value> {
        let mut object = self.items.get(key)?.clone();
        change(&mut object);
        Some(self.put(key.clone(), object))
    }

    pub fn delete(&mut self, key: &Key) -> Option<Value> {
        let mut object = self.items.remove(key)?;
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let before = Some(object.clone());
        self.remember(Event {
            version: self.version,
            kind: "DELETED",
            key: key.clone(),
            object: object.clone(),
            before,
        });
        Some(object)
    }

    pub fn since(&self, version: u64) -> impl Iterator<Item = &Event> {
        let start = self.log.partition_point(|e| e.version <= version);
        self.log.iter().skip(start)
    }

    fn remember(&mut self, event: Event) {
        self.log.push_back(event);
        while self.log.len() > KEPT {
            self.forgotten = self.log.pop_front().map_or(self.forgotten, |e| e.version);
        }
    }
}
