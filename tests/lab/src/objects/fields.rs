//! managedFields: who owns which field, kept for every write through the API. A set of paths in the form of FieldsV1 (`f:name`,
//! `k:{"type":"Ready"}`, `v:"x"`, `.` for the thing itself); an Update takes over what it changed, and a field that is gone has no owner.

use super::schema::{self, Shape, shape};
use super::seconds;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub type Path = Vec<String>;

/// Who writes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub manager: String,
    /// Apply or Update.
    pub operation: &'static str,
    pub subresource: Option<String>,
}

impl Writer {
    pub fn update(manager: &str, subresource: Option<&str>) -> Self {
        Self { manager: manager.into(), operation: "Update", subresource: subresource.map(String::from) }
    }

    fn is(&self, entry: &Value) -> bool {
        entry["manager"] == self.manager.as_str()
            && entry["operation"] == self.operation
            && entry["subresource"].as_str() == self.subresource.as_deref()
    }
}

/// Metadata without an owner.
const UNOWNED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

/// The leaves of an object with their values. `own` adds the `.` of maps, which an Update owns and an Apply does not.
pub fn leaves(object: &Value, own: bool) -> BTreeMap<Path, Value> {
    let mut out = BTreeMap::new();
    let top = object.as_object().into_iter().flatten().filter(|(k, _)| *k != "kind" && *k != "apiVersion");
    for (key, value) in top {
        match (key.as_str(), value) {
            ("metadata", Value::Object(meta)) => {
                for (name, v) in meta.iter().filter(|(k, _)| !UNOWNED.contains(&k.as_str())) {
                    walk("metadata", name, v, vec!["f:metadata".into(), format!("f:{name}")], own, &mut out);
                }
            }
            _ => walk("", key, value, vec![format!("f:{key}")], own, &mut out),
        }
    }
    out
}

fn with(path: &Path, part: String) -> Path {
    let mut path = path.clone();
    path.push(part);
    path
}

fn walk(parent: &str, field: &str, v: &Value, path: Path, own: bool, out: &mut BTreeMap<Path, Value>) {
    match (shape(parent, field, v), v) {
        // The zero value of a field that is always there has no owner.
        (_, v) if zero(field, v) && !path.iter().any(|p| p.starts_with("k:")) => {}
        (Shape::Struct, Value::Object(map)) if !map.is_empty() => {
            if own && !schema::always_there(field) {
                out.insert(with(&path, ".".into()), Value::Null);
            }
            members(field, map, &path, own, out);
        }
        (Shape::Map, Value::Object(map)) => {
            if own || map.is_empty() {
                out.insert(with(&path, ".".into()), Value::Null);
            }
            members(field, map, &path, own, out);
        }
        (Shape::Keyed(keys), Value::Array(list)) => {
            if own && !schema::always_there(field) {
                out.insert(with(&path, ".".into()), Value::Null);
            }
            for item in list {
                let path = with(&path, format!("k:{}", name_of(item, keys)));
                out.insert(with(&path, ".".into()), Value::Null);
                members(field, item.as_object().unwrap_or(&Map::new()), &path, own, out);
            }
        }
        (Shape::Set, Value::Array(list)) => {
            if own {
                out.insert(with(&path, ".".into()), Value::Null);
            }
            out.extend(list.iter().map(|v| (with(&path, format!("v:{v}")), Value::Null)));
        }
        _ => drop(out.insert(path, v.clone())),
    }
}

fn zero(field: &str, v: &Value) -> bool {
    let empty = v.as_object().is_some_and(Map::is_empty);
    v.is_null() || *v == "" || (empty && schema::always_there(field))
}

fn members(field: &str, map: &Map<String, Value>, path: &Path, own: bool, out: &mut BTreeMap<Path, Value>) {
    for (key, value) in map {
        walk(field, key, value, with(path, format!("f:{key}")), own, out);
    }
}

/// The key of a list's item, with the default that a missing protocol has.
fn name_of(item: &Value, keys: &[&str]) -> String {
    let value = |key: &str| match &item[key] {
        Value::Null if key == "protocol" => json!("TCP"),
        v => v.clone(),
    };
    Value::Object(keys.iter().map(|k| ((*k).to_string(), value(k))).collect()).to_string()
}

/// FieldsV1 to paths.
pub fn paths(tree: &Value) -> BTreeSet<Path> {
    fn down(tree: &Value, path: &Path, out: &mut BTreeSet<Path>) {
        match tree.as_object().filter(|m| !m.is_empty()) {
            Some(map) => map.iter().for_each(|(k, v)| down(v, &with(path, k.clone()), out)),
            None if path.is_empty() => {}
            None => drop(out.insert(path.clone())),
        }
    }
    let mut out = BTreeSet::new();
    down(tree, &vec![], &mut out);
    out
}

/// Paths to FieldsV1.
pub fn tree(paths: &BTreeSet<Path>) -> Value {
    let mut out = json!({});
    for path in paths {
        let mut at = &mut out;
        for part in path {
            at = &mut at[part.as_str()];
            if at.is_null() {
                *at = json!({});
            }
        }
    }
    out
}

/// Entries as (entry, paths).
pub fn read(object: &Value) -> Vec<(Value, BTreeSet<Path>)> {
    let all = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    all.map(|e| (e.clone(), paths(&e["fieldsV1"]))).collect()
}

/// Writes the entries back: applies first, then by time and name; empty ones are gone.
pub fn write(object: &mut Value, mut entries: Vec<(Value, BTreeSet<Path>)>) {
    entries.retain(|(_, paths)| !paths.is_empty());
    let text = |e: &Value, key: &str| e[key].as_str().unwrap_or_default().to_string();
    entries.sort_by_key(|(e, _)| {
        (text(e, "operation"), text(e, "time"), text(e, "manager"), text(e, "subresource"))
    });
    let list: Vec<Value> = entries
        .into_iter()
        .map(|(mut e, paths)| {
            e["fieldsV1"] = tree(&paths);
            e
        })
        .collect();
    match (list.is_empty(), object["metadata"].as_object_mut()) {
        (true, Some(meta)) => drop(meta.remove("managedFields")),
        (false, Some(meta)) => drop(meta.insert("managedFields".into(), json!(list))),
        _ => {}
    }
}

pub fn entry(object: &Value, writer: &Writer, now: jiff::Timestamp) -> Value {
    let mut e = json!({"manager": writer.manager, "operation": writer.operation, "apiVersion": object["apiVersion"],
        "time": seconds(now), "fieldsType": "FieldsV1"});
    if let Some(sub) = &writer.subresource {
        e["subresource"] = json!(sub);
    }
    e
}

/// After an Update: `writer` owns what differs between `before` (Null: created) and `after`.
pub fn updated(before: &Value, after: &mut Value, writer: &Writer, now: jiff::Timestamp) {
    let (old, new) = (leaves(before, true), leaves(after, true));
    let changed: BTreeSet<Path> =
        new.iter().filter(|(p, v)| old.get(*p) != Some(v)).map(|(p, _)| p.clone()).collect();
    let mut entries = read(if before.is_null() { after } else { before });
    let mut mine = BTreeSet::new();
    let mut stamp = None;
    entries.retain_mut(|(e, paths)| {
        paths.retain(|p| held(p, &new));
        if writer.is(e) {
            mine = std::mem::take(paths);
            stamp = Some(e.clone());
            return false;
        }
        paths.retain(|p| !changed.contains(p));
        true
    });
    let unchanged = changed.is_empty();
    mine.extend(changed);
    let fresh = entry(after, writer, now);
    entries.push((if unchanged { stamp.unwrap_or(fresh) } else { fresh }, mine));
    write(after, entries);
}

/// A path is still there: as a leaf, or as what leaves hang from.
fn held(path: &Path, leaves: &BTreeMap<Path, Value>) -> bool {
    leaves.contains_key(path) || leaves.range(path.clone()..).next().is_some_and(|(p, _)| p.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_owns_what_it_changed() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut v = json!({"apiVersion": "v1", "metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"taints": [{"key": "k"}]}});
        updated(&Value::Null, &mut v, &Writer::update("one", None), now);
        let owned = |v: &Value, i: usize| v["metadata"]["managedFields"][i]["fieldsV1"].clone();
        assert_eq!(
            owned(&v, 0),
            json!({"f:metadata": {"f:labels": {".": {}, "f:x": {}}}, "f:spec": {"f:taints": {}}})
        );
        let mut after = v.clone();
        after["metadata"]["labels"] = json!({"x": "2", "y": "3"});
        after.as_object_mut().unwrap().remove("spec");
        updated(&v, &mut after, &Writer::update("two", None), now);
        assert_eq!(owned(&after, 0), json!({"f:metadata": {"f:labels": {".": {}}}}));
        assert_eq!(owned(&after, 1), json!({"f:metadata": {"f:labels": {"f:x": {}, "f:y": {}}}}));
    }
}
