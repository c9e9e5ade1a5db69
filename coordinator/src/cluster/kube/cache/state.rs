//! The objects of a cache and how new they are.

use super::{Kept, SILENCE, number};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

pub(in super::super) struct State<T> {
    objects: BTreeMap<String, Arc<T>>,
    groups: BTreeMap<String, BTreeSet<String>>,
    /// resourceVersion up to which every event is applied.
    pub version: u64,
    /// When the watch last brought anything.
    pub heard: Option<Instant>,
    /// A watch is connected.
    pub connected: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        let (objects, groups) = (BTreeMap::new(), BTreeMap::new());
        Self { objects, groups, version: 0, heard: None, connected: false }
    }
}

impl<T: Kept> State<T> {
    /// Whether readers may use the objects.
    pub fn is_live(&self) -> bool {
        self.connected && self.heard.is_some_and(|heard| heard.elapsed() < SILENCE)
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn all(&self) -> Vec<Arc<T>> {
        self.objects.values().cloned().collect()
    }

    pub fn group(&self, group: &str) -> Vec<Arc<T>> {
        let keys = self.groups.get(group).into_iter().flatten();
        keys.filter_map(|key| self.objects.get(key).cloned()).collect()
    }

    pub fn get(&self, key: &str) -> Option<Arc<T>> {
        self.objects.get(key).cloned()
    }

    pub fn put(&mut self, object: T) {
        self.reached(number(object.version()));
        let (key, group) = (object.key(), object.group().to_string());
        let before = self.objects.insert(key.clone(), Arc::new(object));
        if let Some(before) = before.filter(|b| b.group() != group) {
            self.leave(before.group(), &key);
        }
        self.groups.entry(group).or_default().insert(key);
    }

    pub fn remove(&mut self, object: &T) {
        self.reached(number(object.version()));
        let key = object.key();
        if let Some(before) = self.objects.remove(&key) {
            self.leave(before.group(), &key);
        }
    }

    fn leave(&mut self, group: &str, key: &str) {
        if let Some(keys) = self.groups.get_mut(group) {
            keys.remove(key);
            if keys.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// The watch has brought something of this version.
    pub fn reached(&mut self, version: u64) {
        self.version = self.version.max(version);
        self.heard = Some(Instant::now());
    }
}
