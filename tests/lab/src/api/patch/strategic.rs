//! Strategic merge patch: as merge patch, but lists with a key are merged by it, and `$patch`, `$retainKeys`, `$setElementOrder/…` and
//! `$deleteFromPrimitiveList/…` are orders.

use crate::objects::schema::{patch_key, patch_set};
use serde_json::{Map, Value, json};

pub fn strategic(into: &mut Value, patch: &Value) {
    within("", into, patch);
}

fn within(parent: &str, into: &mut Value, patch: &Value) {
    let Some(map) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if map.get("$patch").is_some_and(|p| p == "replace") {
        *into = plain(patch);
        return;
    }
    if map.get("$patch").is_some_and(|p| p == "delete") {
        *into = Value::Null;
        return;
    }
    if !into.is_object() {
        *into = json!({});
    }
    if let Some(Value::Array(kept)) = map.get("$retainKeys")
        && let Some(fields) = into.as_object_mut()
    {
        fields.retain(|k, _| kept.iter().any(|name| name == k));
    }
    for (key, value) in map.iter().filter(|(k, _)| !k.starts_with('$')) {
        field(parent, key, into, value);
    }
    directives(parent, map, into);
}

fn field(parent: &str, key: &str, into: &mut Value, value: &Value) {
    let merged = match value {
        Value::Null => Value::Null,
        Value::Array(items) => {
            let mut list = into[key].as_array().cloned().unwrap_or_default();
            match patch_key(parent, key) {
                Some(by) => keyed(key, &mut list, items, by),
                None if patch_set(key) => {
                    let new: Vec<Value> = items.iter().filter(|i| !list.contains(i)).cloned().collect();
                    list.extend(new);
                }
                None => list = items.iter().map(plain).collect(),
            }
            json!(list)
        }
        value => {
            let mut old = into[key].take();
            within(key, &mut old, value);
            old
        }
    };
    let Some(fields) = into.as_object_mut() else { return };
    match merged {
        Value::Null => drop(fields.remove(key)),
        merged => drop(fields.insert(key.into(), merged)),
    }
}

fn keyed(name: &str, list: &mut Vec<Value>, items: &[Value], by: &str) {
    if items.iter().any(|i| i["$patch"] == "replace") {
        *list = items.iter().filter(|i| i["$patch"] != "replace").map(plain).collect();
        return;
    }
    for item in items {
        if item["$patch"] == "delete" {
            list.retain(|old| old[by] != item[by]);
            continue;
        }
        match list.iter_mut().find(|old| old[by] == item[by]) {
            Some(old) => within(name, old, item),
            None => {
                let mut new = json!({});
                within(name, &mut new, item);
                list.push(new);
            }
        }
    }
}

/// Orders that come after the values: what goes from a list of plain values, and in which order a list stands.
fn directives(parent: &str, map: &Map<String, Value>, into: &mut Value) {
    for (key, value) in map {
        let Some((order, name)) = key.split_once('/') else { continue };
        let (Some(wanted), Some(list)) = (value.as_array(), into[name].as_array_mut()) else { continue };
        match order {
            "$deleteFromPrimitiveList" => list.retain(|v| !wanted.contains(v)),
            "$setElementOrder" => {
                let by = patch_key(parent, name);
                let id = |v: &Value| by.map_or_else(|| v.clone(), |by| v[by].clone());
                let place = |v: &Value| wanted.iter().position(|w| id(w) == id(v)).unwrap_or(usize::MAX);
                list.sort_by_key(place);
            }
            _ => {}
        }
    }
}

/// Without orders.
fn plain(v: &Value) -> Value {
    match v {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(k, _)| !k.starts_with('$')).map(|(k, v)| (k.clone(), plain(v))).collect(),
        ),
        Value::Array(list) => list.iter().map(plain).collect(),
        v => v.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_merge_by_their_key() {
        let base = json!({"metadata": {"finalizers": ["a", "b"]}, "spec": {
            "containers": [{"name": "x", "image": "1", "env": [{"name": "E", "value": "1"}]}, {"name": "y", "image": "1"}],
            "taints": [{"key": "a"}], "volumes": [{"name": "v", "emptyDir": {}}]}});
        let after = |patch: Value| {
            let mut v = base.clone();
            strategic(&mut v, &patch);
            v
        };
        let v = after(json!({"spec": {"containers": [{"name": "x", "env": [{"name": "F", "value": "2"}]}]}}));
        assert_eq!(v["spec"]["containers"][0]["env"].as_array().unwrap().len(), 2);
        assert_eq!(v["spec"]["containers"][1]["image"], "1");
        let v = after(json!({"spec": {"containers": [{"name": "x", "$patch": "delete"}]}}));
        assert_eq!(v["spec"]["containers"], json!([{"name": "y", "image": "1"}]));
        let v = after(json!({"spec": {"taints": [{"key": "b"}]}}));
        assert_eq!(v["spec"]["taints"], json!([{"key": "b"}]), "taints have no key");
        let order = json!([{"name": "y"}, {"name": "x"}]);
        let v = after(json!({"spec": {"$setElementOrder/containers": order}}));
        assert_eq!(v["spec"]["containers"][0]["name"], "y");
        let v =
            after(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}));
        assert_eq!(v["metadata"]["finalizers"], json!(["b", "c"]));
        let v = after(
            json!({"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]}}),
        );
        assert_eq!(v["spec"]["volumes"], json!([{"name": "v", "hostPath": {"path": "/"}}]));
        let v = after(json!({"spec": {"$patch": "replace", "x": 1}}));
        assert_eq!(v["spec"], json!({"x": 1}));
    }
}
