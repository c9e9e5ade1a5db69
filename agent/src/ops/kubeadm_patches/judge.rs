//! Checks that a patch only repeats what this node's own files contain, so that a compromised coordinator can place nothing with it. The
//! node's files are read as the kubelet reads them. A patch may have only one document, because kubeadm would apply every one.

use podlift_heal::yaml::{self, Node};
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::Failure;
use podlift_model::op::{Component, PatchName, PatchText};
use serde_json::{Value, json};
use std::path::Path;

pub fn judge(files: &dyn Files, patch: &PatchText) -> Result<(), Failure> {
    let verdict = match component(patch.name) {
        Some(component) => {
            let live = live(files, &paths::manifest(component))?;
            only_document(&patch.text).and_then(|patch| environment(&patch, &live, component))
        }
        None => {
            let live = live(files, Path::new(paths::KUBELET_CONFIG))?;
            only_document(&patch.text).and_then(|patch| settings(&patch, &live))
        }
    };
    verdict.map_err(|why| {
        let message = format!(
            "patch {}: {why}; a patch may only keep what this node has, so put it into kubeadm-config or kubelet-config instead",
            patch.name
        );
        Failure::operator("patch-not-from-here", message)
    })
}

fn component(name: PatchName) -> Option<Component> {
    Component::ALL.iter().copied().find(|c| PatchName::from(*c) == name)
}

/// kubeadm splits a patch at its markers and applies each part (`app/util/patches/patches.go`, `createPatchSet`).
fn only_document(text: &str) -> Result<Node, String> {
    let is_content = |line: &&str| !line.trim().is_empty() && !line.starts_with(['#', '%']);
    let is_end = |line: &str| line.starts_with("---") || line.starts_with("...");
    // Skips the content of the only document; behind its end only markers may follow.
    let mut behind = text.lines().filter(is_content).skip(1).skip_while(|line| !is_end(line));
    if behind.any(|line| !matches!(line.trim_end(), "---" | "...")) {
        return Err("it has more than one YAML document".into());
    }
    yaml::read(text.as_bytes()).map_err(|why| format!("it can't be read as YAML: {why}"))
}

fn live(files: &dyn Files, path: &Path) -> Result<Node, Failure> {
    let bytes = files.read(path).map_err(|e| crate::ops::shared::file_failure(path, &e))?;
    yaml::read(&bytes).map_err(|why| {
        let message = format!("{} can't be read as YAML: {why}", path.display());
        Failure::operator("patch-not-from-here", message)
    })
}

/// Checks that the patch is a Pod with its container's name, and that its environment is in the live one.
fn environment(patch: &Node, live: &Node, component: Component) -> Result<(), String> {
    let first = containers(patch).first().and_then(|own| own.get("env"));
    let Some(Node::List(env)) = first else { return Err("it has no environment".into()) };
    let name = component.name();
    let frame = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"containers": [{"name": name, "env": env.iter().map(Node::json).collect::<Vec<Value>>()}]},
    });
    if patch.json() != frame {
        return Err("it holds more than the environment of its component".into());
    }
    let own = containers(live).iter().find(|container| text(container, "name") == Some(name));
    let has: &[Node] = match own.and_then(|own| own.get("env")) {
        Some(Node::List(has)) => has,
        _ => &[],
    };
    match env.iter().find(|entry| !is_plain(entry) || !has.iter().any(|live| same(entry, live))) {
        Some(new) => Err(format!(
            "the live manifest has no environment {} with that value",
            text(new, "name").unwrap_or("without a name")
        )),
        None => Ok(()),
    }
}

fn containers(pod: &Node) -> &[Node] {
    match pod.get("spec").and_then(|spec| spec.get("containers")) {
        Some(Node::List(all)) => all,
        _ => &[],
    }
}

fn text<'a>(of: &'a Node, key: &str) -> Option<&'a str> {
    match of.get(key)? {
        Node::Text(text) => Some(&text.value),
        _ => None,
    }
}

/// Whether the entry has only a name and a text.
fn is_plain(entry: &Node) -> bool {
    matches!(entry, Node::Map(all) if all.len() == 2)
        && text(entry, "name").is_some()
        && text(entry, "value").is_some()
}

/// Checks that the live file has the same value for each setting of the patch.
fn settings(patch: &Node, live: &Node) -> Result<(), String> {
    let Node::Map(settings) = patch else { return Err("it is no mapping of settings".into()) };
    match settings.iter().find(|(key, value)| !live.get(key).is_some_and(|live| is_within(value, live))) {
        Some((key, _)) => Err(format!("{key} is not what the live file says")),
        None => Ok(()),
    }
}

/// Whether the patch is part of the live node. A null is not, because it would remove something.
fn is_within(patch: &Node, live: &Node) -> bool {
    match (patch, live) {
        (Node::Null, _) => false,
        (Node::Map(patch), Node::Map(_)) => {
            patch.iter().all(|(key, value)| live.get(key).is_some_and(|live| is_within(value, live)))
        }
        _ => same(patch, live),
    }
}

/// Whether value and type are the same; the position in the file does not matter. JSON alone would not distinguish a text from a number
/// that only YAML knows (`0x10`).
fn same(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Text(a), Node::Text(b)) => a.value == b.value,
        (Node::List(a), Node::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Node::Map(a), Node::Map(b)) => {
            let has = |key: &str, value: &Node| b.iter().any(|(k, v)| k == key && same(value, v));
            a.len() == b.len() && a.iter().all(|(key, value)| has(key, value))
        }
        (Node::Number(_), Node::Number(_)) => a.json() == b.json(),
        _ => a == b,
    }
}
