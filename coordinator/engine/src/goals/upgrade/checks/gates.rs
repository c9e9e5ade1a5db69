//! Gates that the target has removed, has locked or does not decide: in the live manifests, the kubelet's configuration and flags, and
//! kube-proxy's configuration. The run removes fatal gates from kubeadm-config's extraArgs (`root_cause`), unless that is waived.

use super::View;
use crate::analysis::root_cause::live_flags;
use crate::program::{FLAG_LOSS, Finding, Severity, finding, names};
use podlift_model::NodeName;
use podlift_model::flags::parse_gate;
use podlift_model::gates::{Verdict, fatal_text, verdict};
use podlift_model::op::Component;
use serde_json::Value;
use std::collections::BTreeMap;

const ID: &str = "gates";

/// The place of a gate, and whether the target will read it there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    component: String,
    place: String,
    /// Whether the upgrade leaves the gate there.
    stays: bool,
    next: String,
}

type Found = BTreeMap<(Place, String, bool), Vec<NodeName>>;

pub fn check(view: &View) -> Vec<Finding> {
    let mut found = Found::new();
    manifests(view, &mut found);
    kubelets(view, &mut found);
    config_maps(view, &mut found);
    found
        .into_iter()
        .filter_map(|((place, gate, value), nodes)| judge(view, &place, &gate, value, &nodes))
        .collect()
}

fn judge(view: &View, place: &Place, gate: &str, value: bool, nodes: &[NodeName]) -> Option<Finding> {
    let to = view.input.to;
    let (severity, what) = match verdict(gate, value, to.minor()) {
        Verdict::Fine => return None,
        Verdict::Removed(text) | Verdict::Locked(text) if place.stays => {
            (Severity::Blocker, format!("{} would die on {to}: {text}", place.component))
        }
        Verdict::Removed(text) | Verdict::Locked(text) => {
            let what = format!(
                "{} of {to} would die of it ({text}); the upgrade writes this file anew without it",
                place.component
            );
            (Severity::Warning, what)
        }
        Verdict::Uncertain(text) => (
            Severity::Warning,
            format!(
                "whether {} of {to} starts with it is not certain: it may die with: {text}",
                place.component
            ),
        ),
        Verdict::Unlisted => {
            (Severity::Warning, format!("podlift's lists for {} do not have this gate", to.minor()))
        }
        Verdict::Alpha => (
            Severity::Note,
            format!("the gate is alpha on {to}: off by default, and may change with any release"),
        ),
        Verdict::Warning(text) => {
            (Severity::Note, format!("{} of {to} starts and says: {text}", place.component))
        }
    };
    let on = if nodes.len() > 1 { format!(" on {}", names(nodes)) } else { String::new() };
    let evidence = format!("{gate}={value} in {}{on}: {what}", place.place);
    let node = nodes.first().filter(|_| nodes.len() == 1);
    let site_rule = place.stays && view.input.options.site_gates.iter().any(|g| g == gate);
    let evidence = if site_rule { format!("{evidence}; by this site's rule it should go") } else { evidence };
    Some(Finding { site_rule, ..finding(ID, severity, node, evidence, &place.next) })
}

/// A gate of a manifest returns only if kubeadm-config renders it, and a rendered gate is repaired unless the repair is waived.
fn manifests(view: &View, found: &mut Found) {
    let waived = view.input.waivers.iter().any(|w| w.check == FLAG_LOSS);
    for component in Component::ALL {
        let rendered =
            view.config().map(|c| c.rendered(*component, view.renderer()).gates()).unwrap_or_default();
        for node in view.input.inventory.control_planes() {
            let Some(live) = live_flags(node, *component) else { continue };
            for (gate, value) in live.gates() {
                if view.input.options.site_gates.contains(&gate) {
                    continue;
                }
                let comes_back = rendered.contains(&(gate.clone(), value));
                let place = Place {
                    component: component.name().into(),
                    place: format!("/etc/kubernetes/manifests/{}", component.file()),
                    stays: comes_back && waived,
                    next: format!("kubectl -n kube-system get pod -l component={} -o yaml", component.name()),
                };
                found.entry((place, gate, value)).or_default().push(node.name.clone());
            }
        }
        extra_args(view, *component, rendered, waived, found);
    }
}

/// Gates that the upgrade would write and no manifest has yet.
fn extra_args(
    view: &View,
    component: Component,
    rendered: Vec<(String, bool)>,
    waived: bool,
    found: &mut Found,
) {
    let to = view.input.to.minor();
    let known = |found: &Found, gate: &(String, bool)| {
        found.keys().any(|(p, g, v)| p.component == component.name() && (g, *v) == (&gate.0, gate.1))
    };
    for gate in rendered {
        let repaired = !waived && fatal_text(&gate.0, gate.1, to).is_some();
        if repaired || view.input.options.site_gates.contains(&gate.0) || known(found, &gate) {
            continue;
        }
        let place = Place {
            component: component.name().into(),
            place: "extraArgs of kubeadm-config".into(),
            stays: true,
            next: "kubectl -n kube-system edit cm kubeadm-config".into(),
        };
        found.entry((place, gate.0, gate.1)).or_default();
    }
}

fn kubelets(view: &View, found: &mut Found) {
    let common = view.kubelet_config();
    for (node, settings) in view.surveys().filter_map(|(n, s)| Some((n, s.kubelet.as_ref().ok()?))) {
        for (gate, value) in object_gates(settings.config.get("featureGates")) {
            let stays = common
                .as_ref()
                .is_none_or(|c| object_gates(c.get("featureGates")).contains(&(gate.clone(), value)));
            add(
                found,
                node,
                "/var/lib/kubelet/config.yaml",
                stays,
                "kubectl -n kube-system edit cm kubelet-config",
                gate,
                value,
            );
        }
        for (gate, value) in settings.flags.gates() {
            let next = "grep -r feature-gates /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet";
            add(found, node, "the kubelet's flags", true, next, gate, value);
        }
    }
}

fn add(found: &mut Found, node: &NodeName, place: &str, stays: bool, next: &str, gate: String, value: bool) {
    let place = Place { component: "kubelet".into(), place: place.into(), stays, next: next.into() };
    found.entry((place, gate, value)).or_default().push(node.clone());
}

fn config_maps(view: &View, found: &mut Found) {
    let mut of = |component: &str, place: &str, config: Option<&Value>| {
        for (gate, value) in object_gates(config.and_then(|c| c.get("featureGates"))) {
            let place = Place {
                component: component.into(),
                place: format!("ConfigMap kube-system/{place}"),
                stays: true,
                next: format!("kubectl -n kube-system edit cm {place}"),
            };
            found.entry((place, gate, value)).or_default();
        }
    };
    of("kubelet", "kubelet-config", view.kubelet_config().as_ref());
    of("kube-proxy", "kube-proxy", view.kube_proxy_config().as_ref());
}

fn object_gates(gates: Option<&Value>) -> Vec<(String, bool)> {
    match gates {
        Some(Value::Object(map)) => map.iter().filter_map(|(g, v)| Some((g.clone(), v.as_bool()?))).collect(),
        Some(Value::String(text)) => text.split(',').filter_map(parse_gate).collect(),
        _ => vec![],
    }
}
