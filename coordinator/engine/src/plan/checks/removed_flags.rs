//! Values of flags that the target does not take any more: cloud providers that were built in (gone since 1.31), versions of APIs that
//! `--runtime-config` switches on and that are not served.

use super::{Finding, View};
use crate::plan::root_cause::live_flags;
use crate::plan::{Severity, finding::finding};
use podlift_model::op::Component;
use podlift_model::{FlagSet, Minor};

/// Group and version, and the minor that serves it no more (Kubernetes' deprecation guide).
const GONE: &[(&str, u16)] = &[
    ("autoscaling/v2beta2", 26),
    ("batch/v1beta1", 25),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 26),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 29),
    ("flowcontrol.apiserver.k8s.io/v1beta3", 32),
    ("policy/v1beta1", 25),
];

pub fn check(view: &View) -> Vec<Finding> {
    let mut out = Vec::new();
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
