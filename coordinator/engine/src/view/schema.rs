//! JSON schemas of the documents that people and other tools read, made from the types themselves. docs/schemas has them as files. A test
//! compares the two, and refuses a change that would break a reader.

use super::{BackupCheck, Backups, Clusters, Heal, NodeDetail, Report, Runs, Status};
use crate::machine::{EVENT_SCHEMA, Record};
use crate::program::Program;
use crate::validate::Validation;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// Name of each document, as in its `schema` field, and its schema.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        (super::report::SCHEMA, of::<Report>()),
        (super::status::SCHEMA, of::<Status>()),
        (super::node::SCHEMA, of::<NodeDetail>()),
        (super::runs::SCHEMA, of::<Runs>()),
        (crate::program::SCHEMA, of::<Program>()),
        (EVENT_SCHEMA, of::<Record>()),
        (super::heal::SCHEMA, of::<Heal>()),
        (super::backups::SCHEMA, of::<Backups>()),
        (super::backups::CHECK_SCHEMA, of::<BackupCheck>()),
        (super::clusters::SCHEMA, of::<Clusters>()),
        (crate::validate::SCHEMA, of::<Validation>()),
    ]
}

/// The schema of a document as it is written: a field that is always present is required.
fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test reads the documentation
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    fn path(name: &str) -> PathBuf {
        let file = format!("{}.json", name.replace('/', "."));
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas").join(file)
    }

    /// Every property by its path, and whether it is required. References are followed, so that a renamed type counts as no change.
    fn properties(root: &Value, at: &Value, path: &str, depth: u32, out: &mut BTreeSet<String>) {
        if depth == 0 {
            return;
        }
        if let Some(name) = at["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            properties(root, &root["$defs"][name], path, depth - 1, out);
        }
        for list in ["oneOf", "anyOf", "allOf"] {
            for branch in at[list].as_array().into_iter().flatten() {
                // A variant is identified by its tag, not by its position.
                let consts = branch["properties"].as_object().into_iter().flatten();
                let tag = consts.into_iter().find_map(|(_, p)| p["const"].as_str());
                let path = tag.map_or(path.to_string(), |t| format!("{path}<{t}>"));
                properties(root, branch, &path, depth - 1, out);
            }
        }
        for (name, schema) in at["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let needed = at["required"].as_array().is_some_and(|r| r.contains(&name.as_str().into()));
            out.insert(format!("{path} {}{}", schema["type"], if needed { " required" } else { "" }));
            properties(root, schema, &path, depth - 1, out);
        }
        if at["items"].is_object() {
            properties(root, &at["items"], &format!("{path}[]"), depth - 1, out);
        }
    }

    fn flat(schema: &Value) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        properties(schema, schema, "", 12, &mut out);
        out
    }

    #[test]
    fn the_documentation_has_the_schemas_and_nothing_was_taken_from_readers() {
        let bless = std::env::var("PODLIFT_BLESS").unwrap_or_default();
        for (name, schema) in all() {
            let now = serde_json::to_value(&schema).unwrap();
            let old: Value = match std::fs::read_to_string(path(name)) {
                Ok(text) => serde_json::from_str(&text).unwrap(),
                Err(_) if !bless.is_empty() => Value::Null,
                Err(error) => panic!("{}: {error}; PODLIFT_BLESS=1 writes it", path(name).display()),
            };
            let (before, after) = (flat(&old), flat(&now));
            let taken: Vec<_> = before.difference(&after).collect();
            assert!(
                taken.is_empty() || bless == "break",
                "{name}: readers would miss {taken:#?}\nA document only grows within a version (docs/schemas/README.md)"
            );
            if bless.is_empty() {
                assert!(old == now, "{name} differs from docs/schemas: PODLIFT_BLESS=1 writes it anew");
            } else {
                std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
                std::fs::write(path(name), serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
            }
        }
    }

    #[test]
    fn a_property_that_is_gone_is_seen() {
        let schema = serde_json::to_value(&all()[0].1).unwrap();
        let mut less = schema.clone();
        less["properties"].as_object_mut().unwrap().remove("seconds");
        let mut looser = schema.clone();
        looser["required"].as_array_mut().unwrap().retain(|r| r != "result");
        for changed in [less, looser] {
            assert_eq!(flat(&schema).difference(&flat(&changed)).count(), 1);
        }
    }
}
