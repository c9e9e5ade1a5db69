//! Environment, volumes and containers that somebody put into a live manifest. kubeadm-config (v1beta4) has a place for environment; with
//! v1beta3 a patch is offered. Volumes and containers are for a person: their meaning is not in a list of names.

use super::{Loss, LossKind, Predicted, by_hand};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, VOLUMES};
use crate::plan::{PatchFile, PlanInput, Prevention};
use podlift_model::NodeName;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;
use std::collections::{BTreeMap, BTreeSet};

pub fn predict(input: &PlanInput, config: &ClusterConfiguration, out: &mut Predicted) {
    for component in Component::ALL {
        let mut envs: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
        for (node, extras) in extras(input, *component) {
            for (kind, name, live) in lost(config, *component, extras) {
                if kind == LossKind::Env {
                    envs.entry(name.clone()).or_default().insert(live.clone());
                } else {
                    out.unrepairable.push(unrepaired(kind, node, *component, &name));
                }
                let component = component.name().to_string();
                let live = live.unwrap_or_default();
                out.add(
                    node,
                    Loss { nodes: vec![], component, kind, name, live, becomes: None, origin: by_hand() },
                );
            }
        }
        environment(config, *component, envs, out);
    }
}

fn extras(input: &PlanInput, component: Component) -> impl Iterator<Item = (&NodeName, &ManifestExtras)> {
    let surveys = input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?)));
    surveys.filter_map(move |(n, s)| Some((n, s.extras.get(component.name())?)))
}

fn lost(
    config: &ClusterConfiguration,
    component: Component,
    extras: &ManifestExtras,
) -> Vec<(LossKind, String, Option<String>)> {
    let (envs, volumes) = (config.extra_envs(component), config.extra_volumes(component));
    let split = |e: &String| match e.split_once('=') {
        Some((name, value)) => (LossKind::Env, name.to_string(), Some(value.to_string())),
        None => (LossKind::Env, e.clone(), None),
    };
    let mut out: Vec<_> = extras.env.iter().map(split).filter(|(_, name, _)| !envs.contains(name)).collect();
    let kubeadms = |name: &str| VOLUMES.contains(&name) || name.starts_with("etcd-certs-");
    let gone = extras.volumes.iter().filter(|(name, _)| !kubeadms(name) && !volumes.contains(name));
    out.extend(gone.map(|(name, what)| (LossKind::Volume, name.clone(), Some(what.clone()))));
    out.extend(extras.containers.iter().map(|c| (LossKind::Container, c.clone(), None)));
    out
}

fn unrepaired(kind: LossKind, node: &NodeName, component: Component, name: &str) -> String {
    let (what, how) = match kind {
        LossKind::Volume => ("volume", "put it into extraVolumes of kubeadm-config"),
        _ => ("container", "run it as a pod of its own"),
    };
    format!("{component}: {what} {name} was added by hand on {node} and would vanish: {how}")
}

/// One value on all nodes that have it is repaired; a patch is offered where kubeadm-config has no place for it.
fn environment(
    config: &ClusterConfiguration,
    component: Component,
    envs: BTreeMap<String, BTreeSet<Option<String>>>,
    out: &mut Predicted,
) {
    let mut patch = Vec::new();
    for (name, values) in envs {
        let mut values = values.into_iter();
        let (Some(Some(value)), None) = (values.next(), values.next()) else {
            let why = "its value differs between nodes or is a secret: put it into kubeadm-config yourself";
            out.unrepairable.push(format!("{component}: environment {name} would vanish, and {why}"));
            continue;
        };
        if config.has_envs() {
            out.prevented.push(Prevention {
                id: "env-lost".into(),
                component,
                what: format!("kubeadm would not write environment {name} ({value}); {}", by_hand()),
                repair: ConfigRepair::SetEnv { component, name, value },
                site_rule: false,
            });
            continue;
        }
        out.unrepairable.push(format!(
            "{component}: environment {name} would vanish, and kubeadm-config of v1beta3 has no place for it: migrate it to v1beta4, or give the plan's patch {} to every kubeadm",
            file(component)
        ));
        patch.push(serde_json::json!({"name": name, "value": value}));
    }
    if !patch.is_empty() {
        let mine = out.losses.iter().filter(|l| l.kind == LossKind::Env && l.component == component.name());
        let nodes: BTreeSet<NodeName> = mine.flat_map(|l| l.nodes.clone()).collect();
        out.patches.extend(env_patch(component, patch, nodes.into_iter().collect()));
    }
}

fn file(component: Component) -> String {
    format!("{component}0+strategic.yaml")
}

fn env_patch(component: Component, env: Vec<serde_json::Value>, nodes: Vec<NodeName>) -> Option<PatchFile> {
    let pod = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": component.name(), "namespace": "kube-system"},
        "spec": {"containers": [{"name": component.name(), "env": env}]},
    });
    Some(PatchFile { name: file(component), text: serde_saphyr::to_string(&pod).ok()?, nodes })
}
