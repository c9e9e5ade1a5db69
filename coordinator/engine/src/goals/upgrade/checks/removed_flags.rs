//! Flags that the target has removed (`analysis/removed`), wherever they come from, and values that it no longer accepts: built-in cloud
//! providers (removed in 1.31), and API versions that `--runtime-config` enables and that are no longer served.

use super::View;
use crate::analysis::removed::gone;
use crate::analysis::root_cause::live_flags;
use crate::program::{Finding, Severity, finding, names as shown};
use podlift_model::command::normal;
use podlift_model::op::Component;
use podlift_model::{FlagSet, Minor, NodeName};
use std::collections::BTreeMap;

/// Group and version, and the minor that stopped serving it (Kubernetes' deprecation guide).
const GONE: &[(&str, u16)] = &[
    ("autoscaling/v2beta2", 26),
    ("batch/v1beta1", 25),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 26),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 29),
    ("flowcontrol.apiserver.k8s.io/v1beta3", 32),
    ("policy/v1beta1", 25),
];

pub fn check(view: &View) -> Vec<Finding> {
    let to = view.input.to;
    let mut out = names(view);
    for node in view.input.inventory.control_planes() {
        for component in Component::ALL {
            let Some(flags) = live_flags(node, *component) else { continue };
            let next = "kubectl -n kube-system edit cm kubeadm-config";
            out.extend(cloud(flags).map(|v| {
                finding(
                    "cloud-provider",
                    Severity::Blocker,
                    Some(&node.name),
                    told(component.name(), &v),
                    next,
                )
            }));
            out.extend(everything(flags).map(|what| {
                let evidence = format!("{component}: --runtime-config={what} switches on APIs that are alpha on {to}: what is stored in them may be unreadable after the next upgrade");
                finding("runtime-config", Severity::Note, Some(&node.name), evidence, next)
            }));
            let gone = runtime_config(flags, view.input.to.minor());
            out.extend(gone.into_iter().map(|v| {
                let evidence = format!(
                    "{component}: --runtime-config switches on {v}, which {} does not serve",
                    view.input.to.minor()
                );
                finding("runtime-config", Severity::Warning, Some(&node.name), evidence, next)
            }));
        }
    }
    out.extend(kubelets(view));
    for (node, settings) in view.surveys().filter_map(|(n, s)| Some((n, s.kubelet.as_ref().ok()?))) {
        let next = format!(
            "ssh {node} grep -r cloud-provider /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet"
        );
        out.extend(
            cloud(&settings.flags).map(|v| {
                finding("cloud-provider", Severity::Blocker, Some(node), told("kubelet", &v), &next)
            }),
        );
    }
    out
}

/// Removed flags of the control plane. A flag of a manifest only disappears with the upgrade; a flag of kubeadm-config returns.
fn names(view: &View) -> Vec<Finding> {
    let to = view.input.to.minor();
    let config = view.config();
    let mut out = Vec::new();
    for component in Component::ALL {
        let written = config.as_ref().map(|c| c.rendered(*component, view.renderer())).unwrap_or_default();
        let mut runs: BTreeMap<&String, Vec<NodeName>> = BTreeMap::new();
        for node in view.input.inventory.control_planes() {
            let flags = live_flags(node, *component).into_iter().flat_map(|f| f.0.keys());
            flags.for_each(|f| runs.entry(f).or_default().push(node.name.clone()));
        }
        let stay = written.0.keys().map(|f| (f, true));
        let go = runs.iter().filter(|(f, _)| !written.0.contains_key(**f)).map(|(f, _)| (*f, false));
        for (flag, stays) in stay.chain(go) {
            let Some(since) = gone(component.name(), flag, to) else { continue };
            let on = runs.get(flag).map(|n| format!(" (now on {})", shown(n))).unwrap_or_default();
            out.push(removed(component.name(), flag, since, stays, &on));
        }
    }
    let etcd = config.iter().filter(|c| c.is_stacked()).flat_map(|c| c.etcd_args());
    let etcd = etcd.filter_map(|(flag, _)| Some((gone("etcd", &normal(&flag), to)?, flag)));
    out.extend(etcd.map(|(since, flag)| removed("etcd", &flag, since, true, "")));
    out
}

fn removed(component: &str, flag: &str, since: Minor, stays: bool, on: &str) -> Finding {
    let (severity, what) = match stays {
        true => (
            Severity::Blocker,
            "kubeadm-config has it, and the component would exit with \"unknown flag\": take it out of extraArgs",
        ),
        false => (Severity::Note, "kubeadm-config does not have it, so it goes with the upgrade, and has to"),
    };
    let evidence = format!("{component}: --{flag} is no more since {since}{on}: {what}");
    finding("removed-flags", severity, None, evidence, "kubectl -n kube-system edit cm kubeadm-config")
}

/// kubeadm leaves the kubelet's flags alone, with one exception: 1.35 removes --pod-infra-container-image from the file that it wrote
/// itself.
fn kubelets(view: &View) -> Vec<Finding> {
    let to = view.input.to.minor();
    let mut out = Vec::new();
    for (node, settings) in view.surveys().filter_map(|(n, s)| Some((n, s.kubelet.as_ref().ok()?))) {
        for flag in settings.flags.0.keys() {
            let Some(since) = gone("kubelet", flag, to) else { continue };
            let origin = settings.origins.get(flag).map(String::as_str);
            let taken = to.minor == 35
                && flag == "pod-infra-container-image"
                && origin.is_none_or(|o| o.contains("kubeadm-flags.env"));
            let (severity, what) = match taken {
                true => {
                    (Severity::Warning, "kubeadm takes it out of kubeadm-flags.env, and out of no other file")
                }
                false => (Severity::Blocker, "the kubelet would exit with \"unknown flag\": take it out"),
            };
            let place = origin.unwrap_or("the kubelet's flags");
            let evidence = format!("kubelet: --{flag} in {place} is no more since {since}: {what}");
            let next = format!("ssh {node} systemctl cat kubelet");
            out.push(finding("removed-flags", severity, Some(node), evidence, &next));
        }
    }
    out
}

/// The item that enables whole groups of APIs, such as `api/all=true`.
fn everything(flags: &FlagSet) -> Option<String> {
    let on = |item: &String| {
        let (api, value) = item.split_once('=').unwrap_or((item, "true"));
        matches!(api, "api/all" | "api/alpha") && value == "true"
    };
    flags.items("runtime-config").into_iter().find(on)
}

fn cloud(flags: &FlagSet) -> Option<String> {
    flags.joined("cloud-provider").filter(|v| !matches!(v.as_str(), "" | "external"))
}

fn told(component: &str, value: &str) -> String {
    format!("{component}: --cloud-provider={value} is not taken: only external, or none")
}

fn runtime_config(flags: &FlagSet, to: Minor) -> Vec<String> {
    let on = flags.items("runtime-config").into_iter().filter_map(|item| {
        let (api, value) = item.split_once('=').unwrap_or((item.as_str(), "true"));
        (value == "true").then(|| api.to_string())
    });
    on.filter(|api| GONE.iter().any(|(gone, minor)| api.starts_with(gone) && *minor <= to.minor)).collect()
}
