//! Environment, volumes and containers that were added to a live manifest by hand. kubeadm-config can express environment in v1beta4; with
//! v1beta3 a patch keeps it on its nodes. Volumes and containers need an operator, because a list of names does not show their meaning.

use super::{Loss, LossKind, Predicted, Unrepairable, by_hand, names};
use crate::goals::PlanInput;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, VOLUMES};
use crate::program::{PatchFile, Prevention};
use podlift_model::NodeName;
use podlift_model::op::Component;
use podlift_model::survey::ManifestExtras;
use serde_json::json;
use std::collections::BTreeMap;

/// Name to value (`None` for a secret) to the nodes that have this value.
type Envs = BTreeMap<String, BTreeMap<Option<String>, Vec<NodeName>>>;

pub fn predict(input: &PlanInput, config: &ClusterConfiguration, out: &mut Predicted) {
    for component in Component::ALL {
        let (mut envs, mut others) = (Envs::new(), BTreeMap::<_, Vec<NodeName>>::new());
        for (node, extras) in extras(input, *component) {
            for (kind, name, live) in lost(config, *component, extras) {
                if kind == LossKind::Env {
                    envs.entry(name.clone()).or_default().entry(live.clone()).or_default().push(node.clone());
                } else {
                    others.entry((kind, name.clone())).or_default().push(node.clone());
                }
                let component = component.name().to_string();
                let live = live.unwrap_or_default();
                out.add(
                    node,
                    Loss { nodes: vec![], component, kind, name, live, becomes: None, origin: by_hand() },
                );
            }
        }
        out.unrepairable.extend(others.into_iter().map(|((kind, name), nodes)| {
            let what = unrepaired(kind, &nodes, *component, &name);
            Unrepairable { nodes, name, what }
        }));
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

fn unrepaired(kind: LossKind, nodes: &[NodeName], component: Component, name: &str) -> String {
    let (what, how) = match kind {
        LossKind::Volume => ("volume", "put it into extraVolumes of kubeadm-config"),
        _ => ("container", "run it as a pod of its own"),
    };
    format!("{component}: {what} {name} was added by hand on {} and would vanish: {how}", names(nodes))
}

/// If kubeadm-config can express environment, one value that all its nodes share is repaired there. With v1beta3 each node keeps its own
/// value by a patch. A secret, or different values under v1beta4, need an operator.
fn environment(config: &ClusterConfiguration, component: Component, envs: Envs, out: &mut Predicted) {
    let mut patched: BTreeMap<NodeName, Vec<(String, String)>> = BTreeMap::new();
    for (name, values) in envs {
        let known: Option<Vec<(String, Vec<NodeName>)>> =
            values.into_iter().map(|(value, nodes)| Some((value?, nodes))).collect();
        match known.as_deref() {
            Some([(value, _)]) if config.has_envs() => out.prevented.push(Prevention {
                id: "env-lost".into(),
                component: component.into(),
                what: format!("kubeadm would not write environment {name} ({value}); {}", by_hand()),
                repair: ConfigRepair::SetEnv { component, name, value: value.clone() },
                site_rule: false,
            }),
            Some(each) if !config.has_envs() => {
                for (node, value) in each.iter().flat_map(|(v, nodes)| nodes.iter().map(move |n| (n, v))) {
                    patched.entry(node.clone()).or_default().push((name.clone(), value.clone()));
                }
            }
            _ => {
                let what = format!(
                    "{component}: environment {name} would vanish, and its value differs between nodes or is a secret: put it into kubeadm-config yourself"
                );
                out.give_up(component, &name, what);
            }
        }
    }
    let mut groups: BTreeMap<Vec<(String, String)>, Vec<NodeName>> = BTreeMap::new();
    for (node, envs) in patched {
        groups.entry(envs).or_default().push(node);
    }
    for (envs, nodes) in groups {
        let shown: Vec<&str> = envs.iter().map(|(name, _)| name.as_str()).collect();
        out.prevented.push(Prevention {
            id: "env-lost".into(),
            component: component.into(),
            what: format!(
                "kubeadm would not write environment {}, and kubeadm-config of v1beta3 has no place for it: a patch keeps it on {}",
                shown.join(", "),
                names(&nodes)
            ),
            repair: ConfigRepair::Patch { file: component.into(), nodes: nodes.clone() },
            site_rule: false,
        });
        out.patches.extend(env_patch(component, &envs, nodes));
    }
}

fn env_patch(component: Component, envs: &[(String, String)], nodes: Vec<NodeName>) -> Option<PatchFile> {
    let env: Vec<_> = envs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": component.name(), "namespace": "kube-system"},
        "spec": {"containers": [{"name": component.name(), "env": env}]},
    });
    Some(PatchFile { name: component.into(), text: serde_saphyr::to_string(&pod).ok()?, nodes })
}
