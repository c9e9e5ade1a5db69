//! The form of a scenario's file. What is not named in it is as in the lab's own cluster.

use super::{Action, Bcm, When};
use crate::supervisor::{HealMode, Tuning};
use crate::world::Shape;
use crate::world::shape::Timing;
use podlift_model::KubeVersion;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Its file's name.
    #[serde(skip)]
    pub name: String,
    pub description: String,
    /// How it ends, in a sentence.
    pub ends: String,
    #[serde(default)]
    pub heal: HealMode,
    #[serde(default)]
    pub cluster: Cluster,
    /// BCM: whether it gives nodes their disks, and how it answers.
    #[serde(default)]
    pub bcm: Bcm,
    /// The coordinator's own settings.
    #[serde(default)]
    pub config: Tuning,
    /// What is done before the first step.
    #[serde(default)]
    pub before: Vec<Action>,
    /// Problems of the cluster. With these, or with `only-plan`, nothing is upgraded: the plan is judged.
    #[serde(default, rename = "problem")]
    pub problems: Vec<Problem>,
    #[serde(default)]
    pub only_plan: bool,
    /// Nothing is upgraded: the heal is judged.
    #[serde(default)]
    pub only_heal: bool,
    #[serde(default, rename = "event")]
    pub events: Vec<Event>,
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
    #[serde(default)]
    pub expect: Expect,
}

/// One thing that is wrong, what the plan has to say of it, and beside it something that only looks like it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Problem {
    /// For people.
    pub what: String,
    /// The plan's findings, all of them.
    pub finds: Vec<Expected>,
    /// Before anything runs.
    #[serde(default, rename = "do")]
    pub actions: Vec<Action>,
    /// When everything runs.
    #[serde(default, rename = "then")]
    pub later: Vec<Action>,
    /// The near miss, which must stay silent: for people, and its actions before anything runs.
    pub near: String,
    #[serde(default)]
    pub near_do: Vec<Action>,
}

/// A finding of the plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expected {
    pub check: String,
    pub severity: String,
    /// The node that it names.
    pub on: Option<String>,
    /// Words of its evidence.
    pub says: Vec<String>,
}

/// What the cluster is like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cluster {
    /// So many workers at least, where the command line asks for fewer.
    pub workers: Option<usize>,
    /// kubeadm-config has lost its etcd endpoints.
    pub empty_endpoints: Option<bool>,
    /// Feature gates of the API servers.
    pub gates: Option<Vec<String>>,
    /// Nodes that are cordoned from the beginning.
    pub cordoned: Vec<String>,
    /// Pods of the `inference` workload, and how many of them its budget wants.
    pub inference: Option<(u32, u32)>,
    /// Nodes with an edited file that the kubelet package brings, too.
    pub conffile: Vec<String>,
    /// Every node's kubelet has a setting that kubelet-config lacks, and the first worker's has one of its own.
    pub kubelet_settings: bool,
    /// The workers' agents are carried by one process, whose disks and clocks are the World's.
    pub carried: bool,
    /// Nodes on which no agent runs.
    pub without_agent: Vec<String>,
    /// Lab seconds in which an API server's port is open and its roles are not read; by default none.
    pub cold: Option<u64>,
    /// Nodes without nft.
    pub without_nftables: bool,
    /// It has the runbook's Calico, MetalLB, ingress controller and Run:ai.
    pub runbook: bool,
}

/// Something that happens once, as soon as its condition is seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Event {
    /// For people.
    pub what: String,
    pub when: When,
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
}

/// What the operator does: first `do`, then wait until `until` holds, then type `podlift`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Step {
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    pub until: Option<When>,
    /// Arguments of `podlift`; `{to}` is the target version.
    pub podlift: Vec<String>,
    /// Keep what it prints on stdout under this name; `{saved}` in `podlift` is the folder.
    pub save: Option<String>,
    /// The second coordinator is asked.
    pub second: bool,
    /// The documented exit code.
    pub exit: i32,
    /// Words that must be in what it prints; `{newest-etcd}` is the id of the etcd cluster that was made last.
    pub says: Vec<String>,
    /// Typed until it ends and says so.
    pub again: bool,
    /// Code of the reason for which the run is paused afterwards.
    pub paused: Option<String>,
    /// Words that must be in that reason or its next command.
    pub reason: Vec<String>,
}

/// What the judge looks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expect {
    /// So many faults were prevented.
    pub prevented: Option<usize>,
    /// Nodes with a heal in the history.
    pub healed: Vec<String>,
    /// kubeadm waited there on a pod that an agent repaired meanwhile.
    pub waited: bool,
    /// The proxy's address was never away (judged in clusters with more than one API server).
    pub proxy_never_away: bool,
    /// Clients that are none of podlift's ask there all the time, each time over a connection of its own: none of their requests fails.
    pub proxy_unnoticed: bool,
    /// That address was away, and the report says so.
    pub proxy_away: bool,
    /// Some API server was away for longer than a restart takes.
    pub outage: bool,
    /// Nodes that the run leaves out; the report and the status name them.
    pub deferred: Vec<String>,
    /// Nodes that were lost during the run; the report names them.
    pub lost: Vec<String>,
    /// Nodes that failed within the run's budget and were upgraded by a later run or retry.
    pub set_aside: Vec<String>,
    /// Nodes that are cordoned at the end, by another writer than podlift.
    pub cordoned: Vec<String>,
    /// Nodes that podlift leaves cordoned at the end, with its mark, because they are not whole.
    pub kept_cordon: Vec<String>,
    /// Lines of the sign-off that have to be open, by id.
    pub open: Vec<String>,
    /// Training jobs, and how often each was interrupted.
    pub interrupted: BTreeMap<String, u64>,
    /// What may be done more than once: beginnings of the audit's lines.
    pub twice: Vec<String>,
    /// kubeadm never waited five minutes for a hash that could not change.
    pub never_in_vain: bool,
    /// No static pod had to wait for an image.
    pub images_in_place: bool,
    /// Every node's apt source is the target's.
    pub sources: bool,
    /// Each worker got the target's image once and by BCM, images that were there before are as they were, and BCM's books agree.
    pub images: bool,
    /// kubeadm-config and kubelet-config have what the cluster runs with.
    pub configs: bool,
    /// Known issues that the report has to name, each with what was done about it.
    pub issues: Vec<String>,
    /// By the report's own probes, no request at the proxy's address failed.
    pub vip_unfailed: bool,
    /// Services, secrets and certificates are as before the run.
    pub as_served: bool,
    /// At least so many ops ended with an unknown outcome.
    pub indeterminate: usize,
}

impl Scenario {
    /// `base` as this scenario wants it.
    pub fn shape(&self, base: Shape) -> Shape {
        let c = &self.cluster;
        Shape {
            empty_endpoints: c.empty_endpoints.unwrap_or(base.empty_endpoints),
            api_gates: c.gates.clone().unwrap_or(base.api_gates),
            cordoned: c.cordoned.clone(),
            inference: c.inference.unwrap_or(base.inference),
            conffile_on: c.conffile.clone(),
            kubelet_settings: c.kubelet_settings || base.kubelet_settings,
            own_workers: if c.carried { 0 } else { base.own_workers },
            nftables: base.nftables && !c.without_nftables,
            images: self.bcm.images,
            runbook: c.runbook,
            bcm_api: self.bcm.api,
            timing: self.bcm.timing(Timing { cold: Duration::from_secs(c.cold.unwrap_or(0)), ..base.timing }),
            ..base
        }
    }

    /// Nothing is upgraded.
    pub fn plans_only(&self) -> bool {
        self.only_plan || !self.problems.is_empty()
    }

    /// What `podlift` is called with, and the exit codes.
    pub fn typed(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|s| !s.podlift.is_empty())
    }
}

impl Step {
    /// The words with the target version in its places.
    pub fn words(&self, to: KubeVersion) -> Vec<String> {
        self.podlift.iter().map(|w| w.replace("{to}", &to.to_string())).collect()
    }

    pub fn verb(&self) -> &str {
        self.podlift.first().map_or("", String::as_str)
    }
}
