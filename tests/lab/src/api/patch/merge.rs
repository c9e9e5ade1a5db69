//! JSON merge patch, RFC 7386.

use serde_json::{Value, json};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_removes() {
        let mut v = json!({"a": {"b": 1, "c": 2}});
        merge(&mut v, &json!({"a": {"b": null, "d": 4}, "e": {"f": null}}));
        assert_eq!(v, json!({"a": {"c": 2, "d": 4}, "e": {}}));
    }
}
