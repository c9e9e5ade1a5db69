//! A manifest's bytes as the kubelet decodes them: YAML 1.1 through JSON into the Pod type, not strictly. Only the first document counts,
//! the last of doubled keys wins, unknown fields are ignored, and a number or a boolean where the type has a string is an error.

use serde_json::{Map, Value};
use serde_saphyr::options::{DuplicateKeyPolicy, Options};

const POD: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];
const METADATA: &[&str] = &[
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

pub fn pod(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
    let mut pod = first_document(text)?;
    if pod["kind"] != "Pod" {
        return Err("not a Pod with a name".into());
    }
    keep(&mut pod, POD);
    keep(&mut pod["metadata"], METADATA);
    string_maps(&mut pod["metadata"])?;
    words(&pod)?;
    Ok(pod)
}

/// What begins with a brace is JSON (tabs and all); everything else is YAML, and what stands behind its first document is not read.
fn first_document(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{')
        && let Some(Ok(value)) = serde_json::Deserializer::from_str(text).into_iter().next()
    {
        return Ok(value);
    }
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.legacy_octal_numbers = true;
    options.with_snippet = false;
    let mut bytes = text.as_bytes();
    let first = serde_saphyr::read_with_options(&mut bytes, options).next();
    first.ok_or("an empty file")?.map_err(|e| e.to_string())
}

fn keep(object: &mut Value, known: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, _| known.contains(&name.as_str()));
    }
}

/// Labels and annotations: null is an empty text, everything else must be one.
fn string_maps(metadata: &mut Value) -> Result<(), String> {
    for name in ["labels", "annotations"] {
        let Some(Value::Object(map)) = metadata.get_mut(name) else { continue };
        strings(map).map_err(|at| format!("metadata.{name}.{at}: not a string"))?;
    }
    Ok(())
}

fn strings(map: &mut Map<String, Value>) -> Result<(), String> {
    for (key, value) in map {
        match value {
            Value::String(_) => {}
            Value::Null => *value = Value::String(String::new()),
            _ => return Err(key.clone()),
        }
    }
    Ok(())
}

/// The words of every container are strings; a null among them is an empty one.
fn words(pod: &Value) -> Result<(), String> {
    let containers = pod["spec"]["containers"].as_array().ok_or("spec.containers: not a list")?;
    for (container, list) in containers.iter().flat_map(|c| [(c, "command"), (c, "args")]) {
        let all = container[list].as_array().into_iter().flatten();
        if let Some(bad) = all.into_iter().find(|w| !w.is_string() && !w.is_null()) {
            return Err(format!("spec.containers.{list}: {bad} is not a string"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_leniently_and_as_strictly_as_the_kubelet() {
        let with = |rest: &str| format!("kind: Pod\nmetadata:\n  name: a\n{rest}");
        let spec = "spec:\n  containers:\n  - name: a\n    command: [a, --x]\n";
        let good = [
            with(spec),
            format!("---\n{}---\n", with(spec)),
            format!("{}---\n: : [broken\n", with(spec)),
            with(&format!("  labels:\n    tier: null\n{spec}")),
            with(&format!("{spec}  hostNetwork: true\n  hostNetwork: true\n")),
            "{\"kind\":\"Pod\",\n\t\"metadata\":{\"name\":\"a\"},\n\t\"spec\":{\"containers\":[]}}".into(),
        ];
        for text in good {
            assert_eq!(pod(text.as_bytes()).map(|p| p["metadata"]["name"].clone()), Ok("a".into()), "{text}");
        }
        let bad = [
            with(&spec.replace("--x", "4")),
            with(&spec.replace("--x", "yes")),
            with(&format!("  labels:\n    tier: 4\n{spec}")),
            with("spec: {}\n"),
            "kind: [\n".into(),
            String::new(),
        ];
        for text in bad {
            assert!(pod(text.as_bytes()).is_err(), "{text}");
        }
    }
}
