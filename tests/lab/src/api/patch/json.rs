//! JSON patch, RFC 6902.

use serde_json::Value;

/// Err: what is no patch at all (400). Ok(false): one that does not apply (422).
pub fn json(into: &mut Value, ops: &Value) -> Result<bool, String> {
    let patch: json_patch::Patch = serde_json::from_value(ops.clone()).map_err(|e| e.to_string())?;
    Ok(json_patch::patch(into, &patch).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as j;

    #[test]
    fn all_or_nothing() {
        let base = j!({"a": {"b": 1}});
        let mut v = base.clone();
        let ops =
            j!([{"op": "add", "path": "/a/x~1y", "value": 5}, {"op": "test", "path": "/a/b", "value": 2}]);
        assert_eq!((json(&mut v, &ops), v), (Ok(false), base.clone()));
        let mut v = base;
        let ops =
            j!([{"op": "add", "path": "/a/x~1y", "value": 5}, {"op": "move", "from": "/a/b", "path": "/c"}]);
        assert_eq!((json(&mut v, &ops), v), (Ok(true), j!({"a": {"x/y": 5}, "c": 1})));
        assert!(json(&mut j!({}), &j!([{"op": "shout"}])).is_err());
    }
}
