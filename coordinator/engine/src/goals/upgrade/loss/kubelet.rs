//! The kubelet's configuration: `kubeadm upgrade node` writes ConfigMap kubelet-config over `/var/lib/kubelet/config.yaml`, so manual edits
//! of that file are lost. The kubelet's own flags stay: kubeadm does not change kubeadm-flags.env on an upgrade.

use super::{Loss, LossKind, Predicted, names};
use crate::goals::PlanInput;
use crate::kubeadm_config::ConfigRepair;
use crate::program::{Part, PatchFile, Prevention};
use podlift_model::op::PatchName;
use podlift_model::{NodeName, gates};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const GATES: &str = "featureGates";

/// Keys that kubeadm determines on each node (`componentconfigs/kubelet.go`: systemd-resolved).
const NODES_OWN: &[&str] = &["resolvConf", "apiVersion", "kind"];

pub fn predict(input: &PlanInput, out: &mut Predicted) {
    let text = input.cluster_survey.as_ref().ok().and_then(|c| c.kubelet_config.as_ref().ok());
    let parsed = text.and_then(|t| serde_saphyr::from_str::<Value>(t).ok());
    let Some(Value::Object(rendered)) = parsed else { return };
    let mut lost: BTreeMap<String, BTreeMap<NodeName, Value>> = BTreeMap::new();
    let mut seen = 0;
    for (node, survey) in &input.surveys {
        let Some(live) = survey.as_ref().ok().and_then(|s| s.kubelet.as_ref().ok()) else { continue };
        let Value::Object(live) = &live.config else { continue };
        seen += 1;
        for (key, value, becomes) in changed(live, &rendered) {
            if key == GATES && only_fatal(input, &value, becomes.as_ref()) {
                continue;
            }
            out.add(node, loss(&key, &value, becomes.as_ref()));
            lost.entry(key.clone()).or_default().insert(node.clone(), kept(input, &key, value));
        }
    }
    keep(lost, seen, out);
}

fn loss(key: &str, value: &Value, becomes: Option<&Value>) -> Loss {
    let origin = match becomes {
        Some(_) => format!("ConfigMap kubelet-config {key}"),
        None => "ConfigMap kubelet-config has no such key".into(),
    };
    let (component, name) = ("kubelet".to_string(), key.to_string());
    let (live, becomes) = (shown(value), becomes.map(shown));
    Loss { nodes: vec![], component, kind: LossKind::Setting, name, live, becomes, origin }
}

/// A setting that all nodes share goes into the ConfigMap. A setting of some nodes stays on them by a patch.
fn keep(lost: BTreeMap<String, BTreeMap<NodeName, Value>>, seen: usize, out: &mut Predicted) {
    let mut own: BTreeMap<NodeName, Map<String, Value>> = BTreeMap::new();
    for (key, by_node) in lost {
        let first = by_node.values().next().cloned().unwrap_or_default();
        if by_node.len() == seen && by_node.values().all(|v| *v == first) {
            let what = format!(
                "kubeadm would not write {key} ({}) into the kubelets' configuration, as all nodes have it: ConfigMap kubelet-config gets it",
                shown(&first)
            );
            out.prevented.push(prevention(what, ConfigRepair::SetKubelet { key, value: first }));
            continue;
        }
        for (node, value) in by_node {
            own.entry(node).or_default().insert(key.clone(), value);
        }
    }
    let mut groups: BTreeMap<String, Vec<NodeName>> = BTreeMap::new();
    for (node, fields) in own {
        if let Ok(text) = serde_saphyr::to_string(&Value::Object(fields)) {
            groups.entry(text).or_default().push(node);
        }
    }
    for (text, nodes) in groups {
        let keys: Vec<&str> = text.lines().filter(|l| !l.starts_with([' ', '-'])).collect();
        let what = format!(
            "kubeadm would not write {} into the kubelet's configuration of {}, which has it otherwise than ConfigMap kubelet-config: a patch keeps it",
            keys.join(", "),
            names(&nodes)
        );
        let repair = ConfigRepair::Patch { file: PatchName::Kubelet, nodes: nodes.clone() };
        out.prevented.push(prevention(what, repair));
        out.patches.push(PatchFile { name: PatchName::Kubelet, text, nodes });
    }
}

fn prevention(what: String, repair: ConfigRepair) -> Prevention {
    Prevention { id: "kubelet-setting-lost".into(), component: Part::Kubelet, what, repair, site_rule: false }
}

/// The value, without gates that are fatal on the target.
fn kept(input: &PlanInput, key: &str, value: Value) -> Value {
    match value {
        Value::Object(mut gates) if key == GATES => {
            gates.retain(|gate, v| !fatal(input, gate, v));
            Value::Object(gates)
        }
        other => other,
    }
}

fn fatal(input: &PlanInput, gate: &str, value: &Value) -> bool {
    value.as_bool().is_some_and(|v| gates::fatal_text(gate, v, input.to.minor()).is_some())
}

/// Key, value and new value of each setting where the node differs from the ConfigMap. Zero values are omitted, because they set nothing.
fn changed(live: &Map<String, Value>, rendered: &Map<String, Value>) -> Vec<(String, Value, Option<Value>)> {
    let mine = live.iter().filter(|(key, value)| !NODES_OWN.contains(&key.as_str()) && !zero(value));
    let differing = mine.filter(|(key, value)| differs(value, rendered.get(*key)));
    differing.map(|(key, value)| (key.clone(), value.clone(), rendered.get(key).cloned())).collect()
}

/// Compares the values; a zero value within counts as absent.
fn differs(live: &Value, rendered: Option<&Value>) -> bool {
    match (live, rendered) {
        (Value::Object(a), Some(Value::Object(b))) => a.iter().any(|(k, v)| !zero(v) && differs(v, b.get(k))),
        (a, Some(b)) => a != b,
        (_, None) => true,
    }
}

fn zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // An explicit false has a meaning: `failSwapOn`.
        Value::Bool(_) => false,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => matches!(s.as_str(), "" | "0s" | "0"),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.values().all(zero),
    }
}

/// Whether all gates that would be lost are fatal on the target.
fn only_fatal(input: &PlanInput, live: &Value, rendered: Option<&Value>) -> bool {
    let Value::Object(live) = live else { return false };
    let stays = |k: &String, v: &Value| rendered.and_then(|r| r.get(k)) == Some(v);
    live.iter().all(|(k, v)| stays(k, v) || fatal(input, k, v))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
