//! YAML of Kubernetes' own files, parsed as their programs parse it: by the heal's reader, which knows the kubelet's rules, and then as
//! JSON. Never writes.

use podlift_heal::yaml;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The first document as a type, decoded as Go does: a null leaves the zero value of its field. The error is one line.
pub fn first<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(without_nulls(value(text)?)).map_err(|e| e.to_string())
}

/// The first document unchanged, with its nulls. The error is one line.
pub fn value(text: &str) -> Result<Value, String> {
    Ok(yaml::read(text.as_bytes()).map_err(|e| e.to_string())?.json())
}

/// Elements of a list keep their positions; the types of this crate define what a null there means.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            let kept = all.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[test]
    fn as_the_kubelet_reads() {
        let cases = [
            ("a: 1\n", json!({"a": 1})),
            ("---\na: 1\n---\n", json!({"a": 1})),
            ("a: 1\n---", json!({"a": 1})),
            ("a: 1\n...\nb: [\n", json!({"a": 1})),
            ("a: 1\n---\nb: [\n", json!({"a": 1})),
            ("a: 1\n---\na: 2\n", json!({"a": 1})),
            ("a: 1\nb: 2\na: 3\n", json!({"a": 3, "b": 2})),
            ("a: {b: 1}\na: {c: 2}\n", json!({"a": {"c": 2}})),
            ("a: yes\nb: off\nc: 'yes'\n", json!({"a": true, "b": false, "c": "yes"})),
            ("a:\nb: ~\n", json!({"a": null, "b": null})),
            ("{\n\t\"a\":\t1\n}\n", json!({"a": 1})),
            ("{a: 1}\n", json!({"a": 1})),
        ];
        for (text, want) in cases {
            assert_eq!(value(text), Ok(want), "{text:?}");
        }
        for text in ["", "a: [", "a: b: c", "- a\n", "---\n---\na: 1\n"] {
            let why = value(text).unwrap_err();
            assert!(!why.contains('\n') && !why.is_empty(), "{text:?}: {why}");
        }
    }

    #[derive(Debug, Default, Deserialize, PartialEq, Eq)]
    #[serde(default)]
    struct Typed {
        name: String,
        items: Vec<Option<String>>,
    }

    #[test]
    fn a_null_is_the_zero_value() {
        let read = first::<Typed>("name:\nitems: [a, ~]\n").unwrap();
        assert_eq!(read, Typed { name: String::new(), items: vec![Some("a".into()), None] });
        assert_eq!(first::<Typed>("name: a\nitems: ~\nname:\n"), Ok(Typed::default()));
        assert!(first::<Typed>("name: 1\n").unwrap_err().contains("expected a string"));
    }
}
