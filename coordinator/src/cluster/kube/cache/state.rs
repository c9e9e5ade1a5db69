//! The objects of a cache and how new they are.

use super::{Kept, SILENCE};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

pub(in super::super) struct State<T> {
    objects: BTreeMap<Arc<str>, Arc<T>>,
    /// The keys of each group; they share their texts with `objects`.
    groups: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Versions of lists with which single groups agreed.
    agreed: BTreeMap<Arc<str>, u64>,
    /// resourceVersion up to which every event is applied.
    pub version: u64,
    /// When the watch last brought anything.
    pub heard: Option<Instant>,
    /// A watch is connected.
    pub connected: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        let (objects, groups, agreed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { objects, groups, agreed, version: 0, heard: None, connected: false }
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

    /// The version of the newest list with which the group agreed; 0 without one.
    pub fn agreed(&self, group: &str) -> u64 {
        self.agreed.get(group).copied().unwrap_or(0)
    }

    /// Keeps the version of a list of the group if it has the same objects in the same versions.
    pub fn agree(&mut self, group: &str, version: u64, listed: &[T]) {
        let of = |object: &T| (object.key(), object.version());
        let own: BTreeSet<(String, u64)> = self.group(group).iter().map(|object| of(object)).collect();
        if version > self.version && own == listed.iter().map(of).collect() {
            self.agreed.insert(group.into(), version);
        }
    }

    pub fn get(&self, key: &str) -> Option<Arc<T>> {
        self.objects.get(key).cloned()
    }

    pub fn put(&mut self, object: T) {
        self.reached(object.version());
        let (name, group) = (object.key(), object.group().clone());
        // The key of an object that is replaced stays, so that its texts are there once.
        let known = self.objects.get_key_value(name.as_str()).map(|(key, _)| key.clone());
        let key: Arc<str> = known.unwrap_or_else(|| name.into());
        let before = self.objects.insert(key.clone(), Arc::new(object));
        if let Some(before) = before.filter(|b| *b.group() != group) {
            self.leave(before.group(), &key);
        }
        self.groups.entry(group).or_default().insert(key);
    }

    pub fn remove(&mut self, object: &T) {
        self.reached(object.version());
        let key = object.key();
        if let Some(before) = self.objects.remove(key.as_str()) {
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
