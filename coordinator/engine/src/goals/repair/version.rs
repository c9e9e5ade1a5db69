//! The version of the control plane, as its API servers run it and as kubeadm-config names it.

use crate::goals::PlanInput;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair};
use crate::program::{Finding, Part, Prevention, Severity, finding};
use podlift_model::KubeVersion;

const ID: &str = "one-version";

/// API servers of different versions are a half upgraded control plane, which only an upgrade can bring to its end.
pub fn check(input: &PlanInput, version: KubeVersion) -> Option<Finding> {
    let servers = || input.inventory.control_planes().filter_map(|n| Some((n, n.api_server_version()?)));
    let newest = servers().map(|(_, v)| v).max().filter(|newest| *newest != version)?;
    let each: Vec<String> = servers().map(|(n, v)| format!("{}: {v}", n.name)).collect();
    let evidence = format!(
        "the API servers run different versions ({}): a repair changes no version, so the upgrade has to be brought to its end first",
        each.join(", ")
    );
    Some(finding(ID, Severity::Blocker, None, evidence, &format!("podlift plan --to {newest}")))
}

/// kubeadm-config names another version than all API servers run: kubeadm's next run would take its target from there.
pub fn lost(input: &PlanInput) -> Option<Prevention> {
    let view = input.kubeadm_config.as_ref().ok()?;
    let named = ClusterConfiguration::parse(&view.cluster_configuration).ok()?.kubernetes_version()?;
    let mut servers = input.inventory.control_planes().map(|n| n.api_server_version());
    let all_run = servers.all(|v| v == Some(input.to));
    (all_run && named != input.to).then(|| Prevention {
        id: "version-lost".into(),
        component: Part::KubeApiserver,
        what: format!(
            "kubeadm-config names {named}, and all API servers run {}: kubeadm upgrade node would go to {named}",
            input.to
        ),
        repair: ConfigRepair::SetVersion { version: input.to },
        site_rule: false,
    })
}
