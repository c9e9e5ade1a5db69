//! Preflight: each check a file, from what was observed to findings. A check never looks anywhere itself.

mod addons;
mod agents;
mod api_servers;
mod bcm;
mod clock;
mod cordons;
mod disk;
mod etcd;
mod flag_loss;
mod kubeadm_config;
mod manifests;
mod nodes;
mod packages;
mod skew;

pub(crate) use etcd::problems as etcd_problems;

use super::{Finding, PlanInput, root_cause::RootCause};
use podlift_model::KubeVersion;

pub const FLAG_LOSS: &str = "flag-loss";

/// Checks that `--waive CHECK=REASON` may set aside.
pub const WAIVABLE: &[&str] = &[FLAG_LOSS];

/// What a check may look at.
pub(super) struct View<'a> {
    pub input: &'a PlanInput,
    pub from: KubeVersion,
    pub cause: &'a RootCause,
}

type Check = (&'static str, fn(&View) -> Vec<Finding>);

const CHECKS: &[Check] = &[
    ("bcm-version", bcm::check),
    ("agents", agents::check),
    ("nodes-ready", nodes::check),
    ("version-skew", skew::check),
    ("api-servers", api_servers::check),
    ("etcd", etcd::check),
    ("manifests", manifests::check),
    ("packages", packages::check),
    ("disk", disk::check),
    ("kubeadm-config", kubeadm_config::check),
    (FLAG_LOSS, flag_loss::check),
    ("addons", addons::check),
    ("cordons", cordons::check),
    ("clock-skew", clock::check),
];

pub(super) fn ids() -> Vec<String> {
    CHECKS.iter().map(|(id, _)| id.to_string()).collect()
}

pub(super) fn run(input: &PlanInput, from: KubeVersion, cause: &RootCause) -> Vec<Finding> {
    let view = View { input, from, cause };
    CHECKS.iter().flat_map(|(_, check)| check(&view)).collect()
}
