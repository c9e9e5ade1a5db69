//! Preflight checks: each file makes findings from what was observed. A check makes no look of its own.

mod addons;
mod agent_state;
mod agents;
mod api_servers;
mod apis;
mod attested;
mod automation;
mod bare_pods;
mod batch_groups;
mod batches;
mod bcm;
mod bcm_excludes;
mod bcm_head;
mod bcm_images;
mod bcm_tasks;
mod budgets;
mod cdi;
mod certificates;
mod checkpoints;
mod clock;
mod control_plane_pods;
mod controllers;
mod cordons;
pub(super) mod coredns;
mod devices;
mod disk;
mod dpkg;
mod elsewhere;
mod etcd;
mod etcd_store;
mod etcd_versions;
mod filesystems;
mod flag_loss;
mod gangs;
mod gates;
mod gpu_users;
mod heal;
mod images;
mod install;
mod interactive;
mod issues;
mod kubeadm_config;
mod kubelet_flags;
mod left_out;
mod manifests;
mod names;
mod never_interrupt;
mod nodes;
mod packages;
mod patch_folders;
mod pods;
mod recipients;
mod removed_flags;
mod rights;
mod room;
mod run_open;
mod runai;
mod skew;
mod sources;
mod static_pod_path;
mod strays;
mod surveyed;
mod tigera;
mod trust;
mod went_back;

use super::bcm_plan::Drawn;
use crate::analysis::root_cause::RootCause;
use crate::doors::DrainOptions;
use crate::goals::PlanInput;
use crate::inventory::NodeEntry;
use crate::kubeadm_config::{ClusterConfiguration, Renderer};
use crate::program::{
    BCM_BOOKS, BCM_IMAGES, DEVICES, FLAG_LOSS, Finding, GoalName, LeftOut, Loss, PlanOptions, Severity,
};
use crate::survey::ClusterSurvey;
use podlift_model::survey::NodeSurvey;
use podlift_model::{KubeVersion, NodeName};
use serde_json::Value;

/// Checks that `--waive CHECK=REASON` may set aside.
pub const WAIVABLE: &[&str] = &[
    FLAG_LOSS,
    budgets::ID,
    bare_pods::BARE,
    never_interrupt::ID,
    apis::DEPRECATED,
    coredns::ID,
    names::HOSTNAME,
    kubelet_flags::ID,
    recipients::ID,
    BCM_IMAGES,
    BCM_BOOKS,
    runai::ID,
];

/// The input of a check.
pub(super) struct View<'a> {
    pub input: &'a PlanInput,
    pub from: KubeVersion,
    pub cause: &'a RootCause,
    /// All settings that kubeadm would take away or change.
    pub losses: &'a [Loss],
    /// Workers that take no part.
    pub left_out: &'a [LeftOut],
    /// Software images and what speaks against them.
    pub bcm: &'a Drawn,
}

/// The order of the workers, where it is not the usual one. What the site's rules say anyway may be among these, and changes nothing.
fn in_order(options: &PlanOptions, usual: &PlanOptions) -> String {
    let mut given = String::new();
    if options.canary != usual.canary {
        given += &format!(" --canary {}", options.canary);
    }
    if options.canary > 0 && options.canary_soak_seconds > 0 {
        given += &format!(" --canary-soak {}s", options.canary_soak_seconds);
    }
    let Some(policy) = &options.batches else { return given };
    if policy.grow {
        given += " --grow";
    }
    if policy.order == podlift_batches::Order::AsPlanned {
        given += " --order as-planned";
    }
    given.extend(policy.windows.iter().map(|window| format!(" --window '{window}'")));
    given
}

/// The arguments of a drain that is not the usual one.
fn draining(drain: &DrainOptions) -> String {
    let seconds = |name: &str, of: String| format!(" --{name} {of}");
    let grace = drain.grace_period_seconds.map(|s| seconds("grace-period", s.to_string()));
    let skip = drain.skip_wait_for_delete_seconds;
    let skip = (skip > 0).then(|| seconds("skip-wait-for-delete-timeout", skip.to_string()));
    let no_eviction = drain.disable_eviction.then(|| " --disable-eviction".to_string());
    let force = drain.force.then(|| " --force".to_string());
    [grace, skip, no_eviction, force].into_iter().flatten().collect()
}

impl View<'_> {
    /// The command that makes this plan again, with what was asked for.
    fn again(&self) -> String {
        self.again_with(self.input.options.max_unavailable)
    }

    /// The same with another number of workers that may be unavailable.
    fn again_with(&self, max_unavailable: u32) -> String {
        let verb = match self.input.goal {
            GoalName::Upgrade => format!("podlift plan --to {}", self.input.to),
            GoalName::Repair => "podlift repair --plan".into(),
        };
        let (usual, options) = (PlanOptions::default(), &self.input.options);
        let nodes = self.input.nodes.iter().map(|n| format!(" --node {n}"));
        let without = options.without.iter().map(|text| format!(" --without '{text}'"));
        let waivers = self.input.waivers.iter().map(|w| format!(" --waive '{}={}'", w.check, w.reason));
        let mut given: String = nodes.chain(without).chain(waivers).collect();
        if max_unavailable != usual.max_unavailable {
            given += &format!(" --max-unavailable {max_unavailable}");
        }
        if let Some(limit) = options.max_failed {
            given += &format!(" --max-failed {limit}");
        }
        if options.skip_unready {
            given += " --skip-unready";
        }
        if options.fetch_parallel != usual.fetch_parallel {
            given += &format!(" --max-fetch {}", options.fetch_parallel);
        }
        if !options.step_aside {
            given += " --no-step-aside";
        }
        verb + &given + &in_order(options, &usual) + &draining(&options.drain)
    }

    fn cluster(&self) -> Option<&ClusterSurvey> {
        self.input.cluster_survey.as_ref().ok()
    }

    /// Surveys of the nodes that could be looked at.
    fn surveys(&self) -> impl Iterator<Item = (&NodeName, &NodeSurvey)> {
        let seen = self.input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?)));
        seen.filter(|(node, _)| !self.is_left_out(node))
    }

    /// Whether the run upgrades this node.
    fn chosen(&self, node: &NodeName) -> bool {
        (self.input.nodes.is_empty() || self.input.nodes.contains(node)) && !self.is_left_out(node)
    }

    /// Whether a worker takes no part, so that its state is no matter of the plan.
    fn is_left_out(&self, node: &NodeName) -> bool {
        self.left_out.iter().any(|out| out.node == *node)
    }

    /// The nodes whose state is a matter of the plan.
    fn nodes(&self) -> impl Iterator<Item = &NodeEntry> {
        self.input.inventory.nodes.iter().filter(|n| !self.is_left_out(&n.name))
    }

    fn config(&self) -> Option<ClusterConfiguration> {
        ClusterConfiguration::parse(&self.input.kubeadm_config.as_ref().ok()?.cluster_configuration).ok()
    }

    /// The target's kubeadm, for cases where the node does not matter.
    fn renderer(&self) -> Renderer {
        Renderer::of(self.input.to)
    }

    fn kubelet_config(&self) -> Option<Value> {
        serde_saphyr::from_str(self.cluster()?.kubelet_config.as_ref().ok()?).ok()
    }

    fn kube_proxy_config(&self) -> Option<Value> {
        serde_saphyr::from_str(self.cluster()?.kube_proxy_config.as_ref().ok()?.as_ref()?).ok()
    }
}

type Check = (&'static str, fn(&View) -> Vec<Finding>);

const CHECKS: &[Check] = &[
    ("bcm-version", bcm::check),
    (bcm_head::ID, bcm_head::check),
    (BCM_IMAGES, bcm_images::check),
    (bcm_excludes::ID, bcm_excludes::check),
    (bcm_tasks::ID, bcm_tasks::check),
    (runai::ID, runai::check),
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
    (room::ID, room::check),
    ("left-out", left_out::check),
    (pods::ID, pods::check),
    ("clock-skew", clock::check),
    ("survey", surveyed::check),
    ("control-plane-pods", control_plane_pods::check),
    ("install", install::check),
    ("filesystems", filesystems::check),
    ("certificates", certificates::check),
    ("stray-manifests", strays::check),
    ("automation", automation::check),
    ("agent-state", agent_state::check),
    (budgets::ID, budgets::check),
    (bare_pods::BARE, bare_pods::check),
    (never_interrupt::ID, never_interrupt::check),
    (batches::ID, batches::check),
    (checkpoints::ID, checkpoints::check),
    (interactive::ID, interactive::check),
    (controllers::ID, controllers::check),
    (elsewhere::ID, elsewhere::check),
    (gpu_users::ID, gpu_users::check),
    ("containerd-cdi", cdi::check),
    ("dpkg", dpkg::check),
    ("gates", gates::check),
    (apis::DEPRECATED, apis::check),
    ("removed-flags", removed_flags::check),
    ("issues", issues::check),
    (tigera::ID, tigera::check),
    (etcd_store::ID, etcd_store::check),
    ("etcd-versions", etcd_versions::check),
    ("node-names", names::check),
    (coredns::ID, coredns::check),
    (kubelet_flags::ID, kubelet_flags::check),
    ("static-pod-path", static_pod_path::check),
    ("heal", heal::check),
    (recipients::ID, recipients::check),
    (images::ID, images::check),
    (rights::ID, rights::check),
    (run_open::ID, run_open::check),
    ("apt-sources", sources::check),
    ("kubeadm-patches", patch_folders::check),
    ("ca-trust", trust::check),
    (DEVICES, devices::check),
    (went_back::ID, went_back::check),
    ("attestations", attested::check),
];

/// Checks that a repair makes too: those that do not depend on a new version, on packages or on drained nodes.
const OF_REPAIR: &[&str] = &[
    "agents",
    "nodes-ready",
    "api-servers",
    "etcd",
    "manifests",
    "disk",
    "filesystems",
    "kubeadm-config",
    FLAG_LOSS,
    "clock-skew",
    "survey",
    "stray-manifests",
    "automation",
    "agent-state",
    etcd_store::ID,
    "heal",
    "left-out",
    recipients::ID,
    "kubeadm-patches",
    rights::ID,
    run_open::ID,
];

fn of(goal: GoalName) -> impl Iterator<Item = &'static Check> {
    let made = move |id: &str| goal == GoalName::Upgrade || OF_REPAIR.contains(&id);
    CHECKS.iter().filter(move |(id, _)| made(id))
}

/// Ids of the checks that this goal makes.
pub(in crate::goals) fn ids(goal: GoalName) -> Vec<String> {
    of(goal).map(|(id, _)| id.to_string()).collect()
}

pub(in crate::goals) fn run(
    input: &PlanInput,
    from: KubeVersion,
    cause: &RootCause,
    losses: &[Loss],
    left_out: &[LeftOut],
    bcm: &Drawn,
) -> Vec<Finding> {
    let view = View { input, from, cause, losses, left_out, bcm };
    of(input.goal).flat_map(|(_, check)| check(&view)).map(|f| waive(input, f)).collect()
}

/// The order of findings: by severity, an open run first.
pub(in crate::goals) fn rank(f: &Finding) -> impl Ord + use<> {
    (f.severity, f.check != run_open::ID, f.check.clone(), f.node.clone())
}

/// Turns a blocker that an option of the drain overrules or that is waived into a warning, with the reason. The check of flag loss reports its waiver itself.
fn waive(input: &PlanInput, mut finding: Finding) -> Finding {
    let drain = &input.options.drain;
    let option = match finding.check.as_str() {
        budgets::ID if drain.disable_eviction => Some("--disable-eviction deletes pods in spite of it"),
        bare_pods::BARE if drain.force => Some("--force evicts it all the same"),
        _ => None,
    };
    if let Some(option) = option.filter(|_| finding.severity == Severity::Blocker) {
        finding.severity = Severity::Warning;
        finding.evidence = format!("{}; {option}", finding.evidence);
    }
    let waiver = input.waivers.iter().find(|w| w.check == finding.check && w.check != FLAG_LOSS);
    if let Some(w) = waiver.filter(|_| finding.severity == Severity::Blocker) {
        finding.severity = Severity::Warning;
        finding.evidence = format!("waived by {} ({}): {}", w.by, w.reason, finding.evidence);
    }
    finding
}

#[cfg(test)]
mod tests;
