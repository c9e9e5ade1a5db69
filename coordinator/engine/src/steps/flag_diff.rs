//! Asks, right before kubeadm writes, what it would write now. If the old kubeadm-config was put back after the repair, the run pauses and
//! names the writer.

use super::reply::{all, blocked, config, done, odd, output, partly};
use super::{Assess, Cx, Step, Touches, learn_config};
use crate::analysis::{endpoints, removed};
use crate::doors::{ClusterLook, Probe, Reply};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair};
use crate::machine::Decision;
use crate::program::{FLAG_LOSS, Given, Item, Shared, Waiver};
use podlift_model::command::kinds::STORE;
use podlift_model::flags::FlagChange;
use podlift_model::{KubeVersion, Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlagDiff {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl FlagDiff {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

const ETCD_SERVERS: &str = "etcd-servers";
/// Code of the stop.
const LOSS: &str = "flag-loss";

impl Step for FlagDiff {
    fn verb(&self) -> String {
        "flag-diff".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn brings_settings(&self) -> bool {
        true
    }
    /// If BCM has put an old text back, it has to read the repaired one again.
    fn rests_on(&self) -> &'static [&'static str] {
        &[learn_config::VERB]
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(vec![
            cx.look(Look::KubeadmDiff { to: *self.to }),
            Probe::Cluster(ClusterLook::KubeadmConfig),
        ])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [diff, config_reply] = all(reply) else { return odd(reply) };
        let (Some(OpOutput::Diff(changes)), Some(config)) = (output(diff), config(config_reply)) else {
            return odd(reply);
        };
        let parsed = ClusterConfiguration::parse(&config.cluster_configuration).ok();
        let stacked = parsed.is_some_and(|c| c.is_stacked());
        let unplanned: Vec<&FlagChange> = changes
            .iter()
            .filter(|c| c.live.is_some() || is_store(c))
            .filter(|c| is_store(c) || c.flag == ETCD_SERVERS || item(cx, c).is_none())
            .filter(|c| !planned(cx, c, *self.to) && !returns(cx, c) && !same_servers(cx, c, stacked))
            .collect();
        if unplanned.is_empty() {
            return done(format!(
                "kubeadm would change {}, all planned or new",
                podlift_model::count(changes.len(), "flag")
            ));
        }
        let shown: Vec<String> = unplanned.iter().map(ToString::to_string).collect();
        // A waiver can't cover an API server that would start on another store.
        let other_store = unplanned.iter().any(|c| is_store(c));
        if let Some(waiver) = cx.state.waived(FLAG_LOSS).filter(|_| !other_store) {
            return done(format!("waived by {} ({}): {}", waiver.by, waiver.reason, shown.join("; ")));
        }
        if let Some(word) = refused(cx).filter(|_| unplanned.iter().all(|c| c.flag == ETCD_SERVERS)) {
            return partly(format!(
                "the repair of kubeadm-config was refused by {} ({}), so the guard of this node puts back {}",
                word.by,
                word.reason,
                shown.join("; ")
            ));
        }
        let writer = config.managers.first().map_or("nobody known".into(), Clone::clone);
        blocked(
            LOSS,
            format!(
                "on {}: {}. kubeadm-config was last written by {writer}{}: find out why; a retry repairs it again",
                cx.node(),
                shown.join("; "),
                learn_config::likely_writer(cx)
            ),
            "podlift retry",
        )
    }
}

/// The verdict for a kubeadm run that would write now what this step has not seen: another text was put back since.
pub fn lost(cx: &Cx, to: KubeVersion, diff: &Reply, config: &Reply) -> Option<Assess> {
    let replies = Reply::All(vec![diff.clone(), config.clone()]);
    match FlagDiff::to(to).assess(cx, &replies) {
        Assess::Blocked(reason) if reason.code == LOSS => Some(cx.again(&["flag-diff"], reason.message)),
        Assess::Blocked(reason) => Some(Assess::Blocked(reason)),
        _ => None,
    }
}

/// Whether the flag would return to the value that ran when the plan was made. The present value was written since then, and kubeadm is to
/// repair it.
fn returns(cx: &Cx, change: &FlagChange) -> bool {
    let facts = cx.program().inventory.get(&cx.node()).and_then(|n| n.facts.as_ref());
    let manifest = facts.and_then(|f| f.manifests.iter().find(|m| m.component.name() == change.component));
    manifest.is_some_and(|m| m.flags.joined(&change.flag) == change.rendered)
}

/// The refusal to repair the endpoints of etcd in kubeadm-config.
fn refused<'a>(cx: &Cx<'a>) -> Option<&'a Decision> {
    cx.state.decision(Item::EtcdServers).filter(|word| !word.approved)
}

/// The waiver of exactly this loss.
fn item<'a>(cx: &Cx<'a>, change: &FlagChange) -> Option<&'a Waiver> {
    cx.state.waives_loss(&cx.node(), &change.flag).filter(|w| w.item().is_some())
}

fn is_store(change: &FlagChange) -> bool {
    STORE.contains(&change.flag.as_str()) && change.flag != ETCD_SERVERS
}

/// Whether both texts name the same members: with another trailing slash, or another of the node's own addresses.
fn same_servers(cx: &Cx, change: &FlagChange, stacked: bool) -> bool {
    let Some(node) = cx.program().inventory.get(&cx.node()) else { return false };
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    change.flag == ETCD_SERVERS
        && endpoints::same(&text(&change.live), &text(&change.rendered), stacked, node)
}

/// Whether the plan changes this flag by name, or the target no longer has it.
fn planned(cx: &Cx, change: &FlagChange, to: KubeVersion) -> bool {
    let gates = |text: &Option<String>| -> Vec<String> {
        text.iter().flat_map(|t| t.split(',')).map(str::to_string).filter(|g| !g.is_empty()).collect()
    };
    if removed::gone(&change.component, &change.flag, to.minor()).is_some() {
        return true;
    }
    if change.flag != "feature-gates" {
        return false;
    }
    let kept = gates(&change.rendered);
    let gone = gates(&change.live).into_iter().filter(|g| !kept.contains(g));
    let by_name = |gate: &String| {
        let name = podlift_model::flags::parse_gate(gate).map(|(n, _)| n);
        cx.program().mends.repairs.iter().any(|r| match r {
            ConfigRepair::RemoveGate { component, gate } => {
                component.name() == change.component && Some(gate) == name.as_ref()
            }
            _ => false,
        })
    };
    gone.collect::<Vec<_>>().iter().all(by_name)
}
