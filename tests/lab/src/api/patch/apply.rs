//! Server-side apply: what the manager sends it owns; what others own with another value is a conflict unless forced; what it owned and
//! sends no more goes, unless another manager owns it too.

use crate::objects::fields::{self, Path, Writer};
use crate::objects::schema::{Shape, shape};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub manager: String,
    pub field: String,
}

/// `live` after the apply, or the conflicts. `live` may be Null: created.
pub fn apply(
    live: &Value,
    config: &Value,
    writer: &Writer,
    force: bool,
    now: jiff::Timestamp,
) -> Result<Value, Vec<Conflict>> {
    let wanted = fields::leaves(config, false);
    let mine: BTreeSet<Path> = wanted.keys().cloned().collect();
    let current = fields::leaves(live, false);
    let mut entries = fields::read(live);
    let own = |e: &Value| {
        e["manager"] == writer.manager.as_str()
            && e["operation"] == "Apply"
            && e["subresource"].as_str() == writer.subresource.as_deref()
    };
    let taken: BTreeSet<&Path> =
        wanted.iter().filter(|(p, v)| current.get(*p).is_some_and(|old| old != *v)).map(|(p, _)| p).collect();
    let others = entries.iter().filter(|(e, _)| !own(e));
    let conflicts: Vec<Conflict> = others
        .flat_map(|(e, paths)| {
            let hit: Vec<Conflict> =
                paths.iter().filter(|p| taken.contains(p)).map(|p| conflict(e, p)).collect();
            hit
        })
        .collect();
    if !conflicts.is_empty() && !force {
        return Err(conflicts);
    }
    let before = entries.iter().find(|(e, _)| own(e)).cloned();
    let held: BTreeSet<Path> =
        entries.iter().filter(|(e, _)| !own(e)).flat_map(|(_, p)| p.iter().cloned()).collect();
    let mut after = if live.is_null() { json!({}) } else { live.clone() };
    overlay("", &mut after, config);
    let dropped = before.iter().flat_map(|(_, p)| p).filter(|p| !mine.contains(*p) && !held.contains(*p));
    // Deep paths first: the members go before the thing itself.
    for path in dropped.collect::<Vec<_>>().into_iter().rev() {
        remove(&mut after, path);
    }
    entries.retain_mut(|(e, paths)| {
        paths.retain(|p| !taken.contains(p));
        !own(e)
    });
    let same = before.as_ref().is_some_and(|(_, paths)| *paths == mine) && strip(&after) == strip(live);
    let fresh = fields::entry(config, writer, now);
    entries.push((before.filter(|_| same).map_or(fresh, |(e, _)| e), mine));
    fields::write(&mut after, entries);
    Ok(after)
}

fn strip(v: &Value) -> Value {
    let mut v = v.clone();
    v["metadata"].as_object_mut().map(|m| m.remove("managedFields"));
    v
}

fn conflict(entry: &Value, path: &Path) -> Conflict {
    let manager = entry["manager"].as_str().unwrap_or_default();
    let version = entry["apiVersion"].as_str().unwrap_or_default();
    let field: String = path
        .iter()
        .map(|part| match part.split_at(2.min(part.len())) {
            ("f:", name) => format!(".{name}"),
            ("k:", key) => {
                let key: Value = serde_json::from_str(key).unwrap_or_default();
                let pairs = key.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={v}"));
                format!("[{}]", pairs.collect::<Vec<_>>().join(","))
            }
            ("v:", value) => format!("[={value}]"),
            _ => String::new(),
        })
        .collect();
    Conflict { manager: format!("\"{manager}\" using {version}"), field }
}

/// Puts what is applied over what is there.
fn overlay(field: &str, into: &mut Value, config: &Value) {
    let Some(map) = config.as_object() else { return };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in map {
        let old = &mut into[key];
        match (shape(field, key, value), value) {
            (Shape::Struct | Shape::Map, Value::Object(_)) => overlay(key, old, value),
            (Shape::Keyed(keys), Value::Array(items)) => {
                let mut list = old.as_array().cloned().unwrap_or_default();
                for item in items {
                    let same = |o: &&mut Value| keys.iter().all(|k| value_of(o, k) == value_of(item, k));
                    match list.iter_mut().find(same) {
                        Some(old) => overlay(key, old, item),
                        None => list.push(item.clone()),
                    }
                }
                *old = json!(list);
            }
            (Shape::Set, Value::Array(items)) => {
                let mut list = old.as_array().cloned().unwrap_or_default();
                let new: Vec<Value> = items.iter().filter(|i| !list.contains(i)).cloned().collect();
                list.extend(new);
                *old = json!(list);
            }
            _ => *old = value.clone(),
        }
    }
}

fn value_of(item: &Value, key: &str) -> Value {
    match &item[key] {
        Value::Null if key == "protocol" => json!("TCP"),
        v => v.clone(),
    }
}

/// Takes away what a path names; a list or map that is empty then goes too.
fn remove(v: &mut Value, path: &[String]) {
    let Some((part, rest)) = path.split_first() else { return };
    let (kind, name) = part.split_at(2.min(part.len()));
    match (kind, v) {
        ("f:", Value::Object(map)) => {
            if rest.is_empty() || rest == ["."] {
                map.remove(name);
            } else if let Some(inner) = map.get_mut(name) {
                remove(inner, rest);
                let empty = inner.as_object().is_some_and(serde_json::Map::is_empty)
                    || inner.as_array().is_some_and(Vec::is_empty);
                if empty {
                    map.remove(name);
                }
            }
        }
        ("k:", Value::Array(list)) => {
            let key: Value = serde_json::from_str(name).unwrap_or_default();
            let is =
                |item: &Value| key.as_object().into_iter().flatten().all(|(k, v)| value_of(item, k) == *v);
            if rest == ["."] {
                list.retain(|item| !is(item));
            } else if let Some(item) = list.iter_mut().find(|item| is(item)) {
                remove(item, rest);
            }
        }
        ("v:", Value::Array(list)) => {
            let value: Value = serde_json::from_str(name).unwrap_or_default();
            list.retain(|item| *item != value);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(name: &str) -> Writer {
        Writer { manager: name.into(), operation: "Apply", subresource: None }
    }

    fn map(data: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
    }

    #[test]
    fn owners_keep_what_they_apply() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let one = apply(&Value::Null, &map(json!({"x": "1", "y": "1"})), &writer("one"), false, now).unwrap();
        let refused = apply(&one, &map(json!({"x": "2"})), &writer("two"), false, now).unwrap_err();
        assert_eq!(refused, [Conflict { manager: "\"one\" using v1".into(), field: ".data.x".into() }]);
        let shared = apply(&one, &map(json!({"x": "1"})), &writer("two"), false, now).unwrap();
        let less = apply(&shared, &map(json!({})), &writer("one"), false, now).unwrap();
        assert_eq!(less["data"], json!({"x": "1"}), "y goes, x is also two's");
        let forced = apply(&shared, &map(json!({"x": "2"})), &writer("two"), true, now).unwrap();
        let managers = forced["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!((managers.len(), &forced["data"]["x"]), (2, &json!("2")));
        assert_eq!(managers[0]["fieldsV1"], json!({"f:data": {"f:y": {}}}));
    }
}
