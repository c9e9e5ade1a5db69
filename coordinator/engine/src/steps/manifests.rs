//! What kubeadm has written: manifests on a node's disk, and the version in kubeadm-config. Steps are judged by these and never by
//! kubeadm's exit code. Also what a kubeadm run rests on: images, guard and patches, which are asked again right before it.

use super::reply::{all, config, done, facts, output};
use super::{Assess, Cx, Policy, etcd_ready, flag_diff, kubelet_config};
use crate::analysis::kubeadm::has_phases;
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::kubeadm_config::ClusterConfiguration;
use crate::program::{FLAG_LOSS, Finding, IMAGES, UNKNOWN_IMAGES as UNKNOWN};
use podlift_model::facts::GuardState;
use podlift_model::flags::FlagChange;
use podlift_model::heal::{HealFinding, HealKind};
use podlift_model::images::ImagesState;
use podlift_model::op::{Component, PatchName, SkipPhase};
use podlift_model::{Digest, Failure, KubeVersion, Look, NodeFacts, OpOutput, codes};
use std::collections::BTreeMap;

/// Phases that podlift runs as separate steps: addons roll over the whole fleet, and the kubelet's configuration goes with the kubelet.
pub const SKIP: [SkipPhase; 2] = [SkipPhase::Addon, SkipPhase::KubeletConfig];

/// Steps on whose results a kubeadm run of a control-plane node rests.
pub const RESTS_ON: &[&str] = &["image-pull", "kubeadm-patches", "etcd-ready", "guard-arm", "flag-diff"];

/// The looks at the result, and before kubeadm runs, the looks of the steps on which it rests.
pub fn looks(cx: &Cx, to: KubeVersion) -> Probe {
    let config = Probe::Cluster(ClusterLook::KubeadmConfig);
    let mut looks =
        vec![cx.look(Look::Facts), cx.look(Look::Manifests), config, cx.look(Look::Images { to })];
    if !cx.acted {
        looks.push(cx.look(Look::KubeadmDiff { to }));
        looks.extend(etcd_ready::looks(cx));
        // Without phases, kubeadm writes the kubelet's configuration in the same run.
        looks.extend((!has_phases(to)).then_some(Probe::Cluster(ClusterLook::KubeletConfig)));
    }
    Probe::All(looks)
}

/// What is wrong with the manifests on disk.
pub enum Fault {
    /// kubeadm has not written the manifest yet.
    Behind(String),
    /// The manifest is written, but its component can't start.
    Broken(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Fault::Behind(why) | Fault::Broken(why)) = self;
        f.write_str(why)
    }
}

pub struct Seen<'a> {
    pub facts: &'a NodeFacts,
    pub manifests: Result<(), Fault>,
    pub config_at_target: bool,
    pub images: &'a ImagesState,
    to: KubeVersion,
    config: &'a Reply,
    /// What kubeadm would change now, and the replies to `etcd_ready::looks`; empty if they were not asked for.
    before: &'a [Reply],
}

impl Seen<'_> {
    /// Whether all three manifests exist. If one is missing, kubeadm treats the node as a worker.
    pub fn is_whole(&self) -> bool {
        self.facts.manifests.len() >= Component::ALL.len()
    }

    /// Whether kubeadm has to write manifests of the target once more: an operator has lifted a waiver under which this node lost flags, and
    /// with the repaired kubeadm-config kubeadm would write them back.
    pub fn brings_back(&self, cx: &Cx) -> bool {
        let program = cx.program();
        let lifted = |check: &str| {
            let mut waivers = program.waivers.iter().filter(|w| w.check == check);
            waivers.any(|w| program.loses(&cx.node(), w, false))
        };
        let lost = |change: &FlagChange| {
            let losses = program.goal.upgrade().map(|u| u.losses.as_slice()).unwrap_or_default();
            let mut mine = losses.iter().filter(|l| l.nodes.contains(&cx.node()));
            change.rendered.is_some()
                && mine.any(|l| l.component == change.component && l.name == change.flag)
        };
        let changes = match self.before.first().and_then(output) {
            Some(OpOutput::Diff(changes)) => changes.as_slice(),
            _ => &[],
        };
        !cx.acted && cx.state.lifted.iter().any(|l| lifted(&l.check)) && changes.iter().any(lost)
    }

    /// What an earlier step gave and is gone now, right before kubeadm stops a static pod; `None` if kubeadm may run.
    pub fn lost(&self, cx: &Cx) -> Option<Assess> {
        let lacking: Vec<&str> = self.images.lacking().map(|i| i.image.as_str()).collect();
        if !lacking.is_empty() {
            let what = format!(
                "images that the static pods need are not on {} any more: {}",
                cx.node(),
                lacking.join(", ")
            );
            return Some(cx.again(&["image-pull"], what));
        }
        if let Some(wait) = unknown_images(cx, self.images) {
            return Some(wait);
        }
        let armed = match &self.facts.guard {
            GuardState::Armed { run } => *run == cx.state.run,
            GuardState::Off => true,
            GuardState::Steady => false,
        };
        if !armed && cx.in_lane("guard-arm") {
            let what = format!("the guard of {} is not armed any more", cx.node());
            return Some(cx.again(&["guard-arm"], what));
        }
        if self.facts.patches != patches(cx) && cx.state.waived(FLAG_LOSS).is_none() {
            let what = format!("the files for kubeadm --patches on {} are others than the plan's", cx.node());
            return Some(cx.again(&["kubeadm-patches"], what));
        }
        let [diff, etcd, probes, nodes, kubelet @ ..] = self.before else { return None };
        let others = [etcd.clone(), probes.clone(), nodes.clone()];
        let kubelet = || match kubelet {
            [Reply::Cluster(ClusterReply::KubeletConfig(view))] => kubelet_config::reverted(cx, view),
            _ => None,
        };
        let diff = || flag_diff::lost(cx, self.to, diff, self.config);
        etcd_ready::lost(cx, &others).or_else(diff).or_else(kubelet)
    }
}

pub fn seen<'a>(reply: &'a Reply, to: KubeVersion) -> Option<Seen<'a>> {
    let [f, m, c, i, before @ ..] = all(reply) else { return None };
    let (facts, config) = (facts(f)?, config(c)?);
    let (Some(OpOutput::Manifests(findings)), Some(OpOutput::Images(images))) = (output(m), output(i)) else {
        return None;
    };
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).ok();
    let config_at_target = parsed.and_then(|p| p.kubernetes_version()) == Some(to);
    let manifests = manifests(to, facts, findings);
    Some(Seen { facts, manifests, config_at_target, images, to, config: c, before })
}

/// The required content of this node's patches directory.
pub fn patches(cx: &Cx) -> BTreeMap<PatchName, Digest> {
    cx.program().mends.patches_of(&cx.node()).map(|p| (p.name, Digest::of(&p.text))).collect()
}

/// Checks that all manifests are at the target, and that none is known to fail at startup.
fn manifests(to: KubeVersion, facts: &NodeFacts, findings: &[HealFinding]) -> Result<(), Fault> {
    let at = |c: &&Component| facts.manifests.iter().any(|m| m.component == **c && m.version == Some(to));
    if let Some(behind) = Component::ALL.iter().find(|c| !at(c)) {
        return Err(Fault::Behind(format!("{behind} is not at {to}")));
    }
    // With heal enabled, the guard repairs these at once. With heal off, only another kubeadm run can.
    match findings.iter().find(|f| f.kind == HealKind::Rescue) {
        Some(broken) => Err(Fault::Broken(broken.what.clone())),
        None => Ok(()),
    }
}

/// kubeadm has written its manifests. Whether the API server serves is the next step's question, which asks the server itself.
pub fn written(why: &str) -> Assess {
    done(format!("written by kubeadm, and not fit to start: {why}"))
}

/// If a node goes down between kubeadm's two renames, heal restores its file.
pub fn missing(cx: &Cx) -> Assess {
    Assess::Wait(format!(
        "control-plane node {} lacks one of its three manifests; see podlift heal status on it",
        cx.node()
    ))
}

/// The verdict while an image can't be named, for example the runtime's sandbox image, and the plan had not warned of it: without it no static
/// pod starts again. What the plan's warning has told, an operator has accepted by the start of the run.
pub fn unknown_images(cx: &Cx, images: &ImagesState) -> Option<Assess> {
    let node = cx.node();
    let told =
        |f: &Finding| f.check == IMAGES && f.node.as_ref() == Some(&node) && f.evidence.starts_with(UNKNOWN);
    let what = images.unseen.first().filter(|_| !cx.program().findings.iter().any(told))?;
    Some(Assess::Wait(format!("{UNKNOWN}, and the plan has not warned of it: {what}")))
}

/// Whether kubeadm was tried in this run and was never seen to end well: it may have ended between two phases, and manifests show nothing of
/// the phases after them. Each of these may be repeated.
pub fn is_cut_off(cx: &Cx) -> bool {
    let step = cx.state.step(&cx.step.id);
    !cx.acted && step.is_some_and(|step| step.attempts > 0 && !step.ever_acted)
}

/// Whether kubeadm could not run the Job of its own health check in time. It does so before its first change (kubeadm 1.32
/// `phases/upgrade/health.go:106-221`), and a slow image, a webhook or a full node delays the Job now and then.
pub fn no_health_check(failure: &Failure) -> bool {
    let shows = |text: &str| text.contains("[ERROR CreateJob]");
    failure.code == codes::KUBEADM_FAILED && (shows(&failure.message) || shows(&failure.detail))
}

/// No automatic retry of other failures: a failing kubeadm undoes what it began. podlift first looks at what remains, and an operator decides
/// on a second run.
pub fn policy(cx: &Cx) -> Policy {
    Policy { retries: 0, ..cx.policy() }
}
