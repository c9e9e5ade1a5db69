//! deploy/kubernetes/rbac.yaml grants what the table names, and nothing else.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// Namespace (empty for the cluster), group, resource or path, object (empty for all), verb.
type Granted = BTreeSet<(String, String, String, String, String)>;

fn texts<'a>(rule: &'a Value, key: &str) -> Vec<&'a str> {
    rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn granted(yaml: &str) -> Granted {
    let mut all = Granted::new();
    for document in yaml.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(document).unwrap();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        for rule in object["rules"].as_array().into_iter().flatten() {
            let paths = texts(rule, "nonResourceURLs").into_iter().map(|path| ("", path));
            let groups = texts(rule, "apiGroups");
            let resources =
                groups.iter().flat_map(|g| texts(rule, "resources").into_iter().map(move |r| (*g, r)));
            let names = texts(rule, "resourceNames");
            let names = if names.is_empty() { vec![""] } else { names };
            for ((group, what), verb) in
                paths.chain(resources).flat_map(|w| texts(rule, "verbs").into_iter().map(move |v| (w, v)))
            {
                let one = |name: &&str| [namespace, group, what, *name, verb].map(String::from).into();
                all.extend(names.iter().map(one));
            }
        }
    }
    all
}

fn needed() -> Granted {
    let mut all = Granted::new();
    for right in RIGHTS {
        let (group, what, names) = match right.what {
            What::Path(path) => ("", path, &[][..]),
            What::Resource { group, resource, names } => (group, resource, names),
        };
        let names = if names.is_empty() { &[""][..] } else { names };
        for (name, verb) in names.iter().flat_map(|n| right.verbs.iter().map(move |v| (*n, *v))) {
            let namespace = right.namespace.unwrap_or_default();
            let new = all.insert([namespace, group, what, name, verb].map(String::from).into());
            assert!(new, "{verb} {what} is in the table twice");
        }
    }
    all
}

#[test]
fn the_manifest_grants_what_is_needed_and_nothing_else() {
    let granted = granted(include_str!("../../../deploy/kubernetes/rbac.yaml"));
    let needed = needed();
    let missing: Vec<_> = needed.difference(&granted).collect();
    let idle: Vec<_> = granted.difference(&needed).collect();
    assert!(
        missing.is_empty() && idle.is_empty(),
        "not granted: {missing:#?}\ngranted without need: {idle:#?}"
    );
}

#[test]
fn the_checks_of_a_site_only_read_and_read_no_secret() {
    let granted = granted(include_str!("../../../deploy/kubernetes/checks.yaml"));
    assert!(granted.iter().any(|(_, _, what, ..)| what == "nodes"), "{granted:?}");
    for (_, group, what, _, verb) in &granted {
        let reads = ["get", "list", "watch"].contains(&verb.as_str());
        assert!(reads && what != "secrets" && what != "*" && group != "*", "{verb} {what} of {group}");
    }
}
