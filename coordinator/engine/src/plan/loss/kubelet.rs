//! The kubelet's configuration: `kubeadm upgrade node` writes ConfigMap kubelet-config over `/var/lib/kubelet/config.yaml`, and hand edits
//! of that file are lost. What the kubelet's own flags say stays: kubeadm leaves kubeadm-flags.env alone on an upgrade.

use super::{Loss, LossKind, Predicted};
use crate::plan::{PatchFile, PlanInput};
use podlift_model::{NodeName, gates};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// kubeadm works it out on each node by itself (`componentconfigs/kubelet.go`: systemd-resolved).
const NODES_OWN: &[&str] = &["resolvConf", "apiVersion", "kind"];

pub fn predict(input: &PlanInput, out: &mut Predicted) {
    let text = input.cluster_survey.as_ref().ok().and_then(|c| c.kubelet_config.as_ref().ok());
    let parsed = text.and_then(|t| serde_saphyr::from_str::<Value>(t).ok());
    let Some(Value::Object(rendered)) = parsed else { return };
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (node, survey) in &input.surveys {
        let Some(live) = survey.as_ref().ok().and_then(|s| s.kubelet.as_ref().ok()) else { continue };
        let Value::Object(live) = &live.config else { continue };
        for (key, value, becomes) in changed(live, &rendered) {
            if key == "featureGates" && only_fatal(input, &value, becomes.as_ref()) {
                continue;
            }
            values.entry(key.clone()).or_default().insert(value.to_string());
            let origin = match becomes {
                Some(_) => format!("ConfigMap kubelet-config {key}"),
                None => "ConfigMap kubelet-config has no such key".into(),
            };
            let (live, becomes) = (shown(&value), becomes.as_ref().map(shown));
            let component = "kubelet".to_string();
            out.add(
                node,
                Loss { nodes: vec![], component, kind: LossKind::Setting, name: key, live, becomes, origin },
            );
        }
    }
    let lost = out.losses.iter().filter(|l| l.kind == LossKind::Setting);
    let told: Vec<String> = lost
        .map(|l| {
            format!("{l}: put it into ConfigMap kubelet-config, or give the plan's patch to every kubeadm")
        })
        .collect();
    out.unrepairable.extend(told);
    let mine = out.losses.iter().filter(|l| l.kind == LossKind::Setting);
    let nodes: BTreeSet<NodeName> = mine.flat_map(|l| l.nodes.clone()).collect();
    out.patches.extend(patch(values, nodes.into_iter().collect()));
}

/// Key, value and what it becomes, of what the node has and the ConfigMap has not so. Zero values are left out: they say nothing.
fn changed(live: &Map<String, Value>, rendered: &Map<String, Value>) -> Vec<(String, Value, Option<Value>)> {
    let mine = live.iter().filter(|(key, value)| !NODES_OWN.contains(&key.as_str()) && !zero(value));
    let differing = mine.filter(|(key, value)| differs(value, rendered.get(*key)));
    differing.map(|(key, value)| (key.clone(), value.clone(), rendered.get(key).cloned())).collect()
}

/// Zero values within are absent ones.
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
        // A false that is written down is meant: `failSwapOn`.
        Value::Bool(_) => false,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => matches!(s.as_str(), "" | "0s" | "0"),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.values().all(zero),
    }
}

/// The gates that go are those which the target would die of.
fn only_fatal(input: &PlanInput, live: &Value, rendered: Option<&Value>) -> bool {
    let Value::Object(live) = live else { return false };
    let kept = |k: &String, v: &Value| rendered.and_then(|r| r.get(k)) == Some(v);
    let fatal = |k: &String, v: &Value| {
        v.as_bool().is_some_and(|b| gates::fatal_text(k, b, input.to.minor()).is_some())
    };
    live.iter().all(|(k, v)| kept(k, v) || fatal(k, v))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// What is the same on all nodes that have it.
fn patch(values: BTreeMap<String, BTreeSet<String>>, nodes: Vec<NodeName>) -> Option<PatchFile> {
    let mut fields: Map<String, Value> = Map::new();
    for (key, values) in values {
        let mut values = values.into_iter();
        if let (Some(value), None) = (values.next(), values.next()) {
            fields.insert(key, serde_json::from_str(&value).ok()?);
        }
    }
    if fields.is_empty() {
        return None;
    }
    let text = serde_saphyr::to_string(&Value::Object(fields)).ok()?;
    Some(PatchFile { name: "kubeletconfiguration0+merge.yaml".into(), text, nodes })
}
