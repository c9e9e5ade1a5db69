//! JSON merge patch, JSON patch, and strategic merge for the lists in use (merged by their key, not replaced).

use serde_json::{Value, json};

/// RFC 7386.
pub fn merge(into: &mut Value, patch: &Value) {
    let Some(map) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in map {
        match value {
            Value::Null => drop(into.as_object_mut().and_then(|o| o.remove(key))),
            value => merge(&mut into[key], value),
        }
    }
}

/// Lists that strategic merge patch merges, and by what.
fn merge_key(name: &str) -> Option<&'static str> {
    match name {
        "conditions" | "addresses" => Some("type"),
        "containers" | "volumes" | "env" => Some("name"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

pub fn strategic(into: &mut Value, patch: &Value) {
    let Some(map) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in map {
        match (value, merge_key(key)) {
            (Value::Null, _) => drop(into.as_object_mut().and_then(|o| o.remove(key))),
            (Value::Array(items), Some(by)) => strategic_list(&mut into[key], items, by),
            (value, _) => strategic(&mut into[key], value),
        }
    }
}

fn strategic_list(into: &mut Value, items: &[Value], by: &str) {
    if !into.is_array() {
        *into = json!([]);
    }
    let Some(list) = into.as_array_mut() else { return };
    for item in items {
        if item["$patch"] == "delete" {
            list.retain(|old| old[by] != item[by]);
            continue;
        }
        match list.iter_mut().find(|old| old[by] == item[by]) {
            Some(old) => strategic(old, item),
            None => list.push(item.clone()),
        }
    }
}

/// RFC 6902: test, add, replace, remove. None: it does not apply.
pub fn json_patch(into: &mut Value, ops: &Value) -> Option<()> {
    for op in ops.as_array()? {
        let path = op["path"].as_str()?;
        match op["op"].as_str()? {
            "test" => (into.pointer(path)? == &op["value"]).then_some(())?,
            "replace" => *into.pointer_mut(path)? = op["value"].clone(),
            "add" => add(into, path, op["value"].clone())?,
            "remove" => remove(into, path)?,
            _ => return None,
        }
    }
    Some(())
}

fn parent<'a>(into: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((into.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(into: &mut Value, path: &str, value: Value) -> Option<()> {
    match parent(into, path)? {
        (Value::Object(map), key) => drop(map.insert(key, value)),
        (Value::Array(list), key) if key == "-" => list.push(value),
        (Value::Array(list), key) => {
            let at: usize = key.parse().ok().filter(|i| *i <= list.len())?;
            list.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(into: &mut Value, path: &str) -> Option<()> {
    match parent(into, path)? {
        (Value::Object(map), key) => map.remove(&key).map(drop),
        (Value::Array(list), key) => {
            let at: usize = key.parse().ok().filter(|i| *i < list.len())?;
            list.remove(at);
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches() {
        let base = json!({"a": {"b": 1, "c": 2}, "conditions": [{"type": "Ready", "status": "True"}]});
        let mut v = base.clone();
        merge(&mut v, &json!({"a": {"b": null, "d": 4}}));
        assert_eq!(v["a"], json!({"c": 2, "d": 4}));
        let mut v = base.clone();
        strategic(&mut v, &json!({"conditions": [{"type": "X", "status": "False"}], "a": {"c": 3}}));
        assert_eq!((v["conditions"].as_array().unwrap().len(), &v["a"]["c"]), (2, &json!(3)));
        let mut v = base.clone();
        assert!(json_patch(&mut v, &json!([{"op": "test", "path": "/a/b", "value": 2}])).is_none());
        let ops = json!([{"op": "add", "path": "/a/x~1y", "value": 5}, {"op": "remove", "path": "/a/b"}]);
        assert!(json_patch(&mut v, &ops).is_some());
        assert_eq!(v["a"], json!({"c": 2, "x/y": 5}));
    }
}
