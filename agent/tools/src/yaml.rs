//! YAML of Kubernetes' own files, read as their programs read it: the first document only, the last of keys that stand twice, JSON as it
//! is. Never writes.

use serde::de::DeserializeOwned;
use serde_saphyr::options::DuplicateKeyPolicy;

/// The error is one line.
pub fn first<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let line = |e: String| e.lines().next().unwrap_or_default().to_string();
    // Tabs between the tokens of JSON are no YAML.
    if text.trim_start().starts_with('{')
        && let Ok(json) = serde_json::from_str(text)
    {
        return Ok(json);
    }
    let options =
        serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins, with_snippet: false };
    let mut bytes = text.as_bytes();
    let document = serde_saphyr::read_with_options(&mut bytes, options).next();
    document.ok_or("it is empty")?.map_err(|e| line(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn as_the_kubelet_reads() {
        let cases = [
            ("a: 1\n", json!({"a": 1})),
            ("---\na: 1\n---\n", json!({"a": 1})),
            ("a: 1\n---\nb: [\n", json!({"a": 1})),
            ("a: 1\nb: 2\na: 3\n", json!({"a": 3, "b": 2})),
            ("{\n\t\"a\":\t1\n}\n", json!({"a": 1})),
            ("{a: 1}\n", json!({"a": 1})),
        ];
        for (text, want) in cases {
            assert_eq!(first::<Value>(text), Ok(want), "{text:?}");
        }
        for text in ["", "a: [", "a: b: c"] {
            let why = first::<Value>(text).unwrap_err();
            assert!(!why.contains('\n') && !why.is_empty(), "{text:?}: {why}");
        }
    }
}
