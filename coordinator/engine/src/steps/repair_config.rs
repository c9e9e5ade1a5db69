//! Repairs the root cause in kubeadm-config before any kubeadm runs. The write has a resourceVersion precondition, does not happen while a
//! kubeadm unit runs, and uses only endpoints that answer. The old text is in the plan, and so in the journal.

use super::etcd_ready::is_at;
use super::reply::{all, blocked, config, done, facts, odd, output, partly};
use super::{Assess, Cx, Step, StepKind, Touches, approved};
use crate::analysis::root_cause;
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, KubeadmConfigView, Probe, Reply};
use crate::inventory::NodeRole;
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, repair_at};
use crate::machine::StepStatus;
use crate::program::{FLAG_LOSS, Given, Item, Shared, StepSpec, waived_on_all};
use podlift_model::op::Component;
use podlift_model::{KubeVersion, Look, NodeFacts, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairConfig {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl RepairConfig {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

impl Step for RepairConfig {
    fn verb(&self) -> String {
        "repair-config".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("root-cause-repaired")
    }
    /// A retry looks again, because another writer may have put the old text back.
    fn looks_again_on_retry(&self) -> bool {
        true
    }
    fn mends(&self, repair: &ConfigRepair) -> bool {
        repair.is_of_kubeadm()
    }
    fn remains(&self) -> Option<String> {
        Some("ConfigMap kube-system/kubeadm-config stays repaired; its old text is in the plan (podlift report -o json)".into())
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![Probe::Cluster(ClusterLook::KubeadmConfig), cx.look(Look::EtcdHealth)];
        // A node that has left the run does not answer, and changes nothing.
        let servers = cx.program().inventory.control_planes();
        let servers = servers.filter(|n| !cx.state.deferred.contains_key(&n.name));
        looks.extend(servers.map(|n| Probe::Node(n.name.clone(), Look::Facts)));
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::KubeadmConfig(config)), etcd, nodes @ ..] = all(reply) else {
            return odd(reply);
        };
        let scope = scope(cx, nodes, *self.to);
        if let (Scope::Nothing, Some(waiver)) = (scope, cx.state.waived(FLAG_LOSS)) {
            return partly(format!("left as it is: {} waived it ({})", waiver.by, waiver.reason));
        }
        match wanted(cx, config, *self.to, scope) {
            Ok(None) => return renders(cx),
            Ok(Some(_)) => (),
            Err(why) => {
                return blocked(
                    "kubeadm-config",
                    why,
                    "kubectl -n kube-system edit cm kubeadm-config && podlift retry",
                );
            }
        }
        if let Some(verdict) = unapproved(cx, config, *self.to) {
            return verdict;
        }
        if let Some(why) = dead_endpoint(cx, etcd) {
            return Assess::Wait(why);
        }
        for facts in nodes.iter().filter_map(facts) {
            if let Some(op) = facts.running.first() {
                return Assess::Wait(format!(
                    "op {op} runs on {}: kubeadm-config is not written meanwhile",
                    facts.node
                ));
            }
        }
        Assess::Ready
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let [first, _, nodes @ ..] = all(reply) else { return None };
        let config = config(first)?;
        let text = wanted(cx, config, *self.to, scope(cx, nodes, *self.to)).ok().flatten()?;
        let resource_version = config.resource_version.clone();
        Some(Act::Cluster(ClusterAct::WriteKubeadmConfig { resource_version, cluster_configuration: text }))
    }
}

/// Whether kubeadm-config is as the run has repaired it, or its losses are waived.
pub(super) fn is_right(cx: &Cx, config: &KubeadmConfigView) -> bool {
    let to = cx.program().to();
    cx.state.waived(FLAG_LOSS).is_some()
        || wanted(cx, config, to, Scope::All).is_ok_and(|text| text.is_none())
}

/// How much the step repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    /// The loss is waived, and the heal has put back what an API server can't start without. Only that is repaired: otherwise every further
    /// kubeadm run would write the broken manifest again, and wait for a change that the heal prevents.
    Rescue,
    /// The loss is waived.
    Nothing,
}

fn scope(cx: &Cx, nodes: &[Reply], to: KubeVersion) -> Scope {
    match cx.state.waived(FLAG_LOSS) {
        None => Scope::All,
        Some(_) if nodes.iter().filter_map(facts).any(|f| is_healed(cx, f, to)) => Scope::Rescue,
        Some(_) => Scope::Nothing,
    }
}

/// Whether kubeadm has written a manifest of this node at the target, and it is nevertheless as a repair of the cause would make it: the
/// endpoints are those that ran before, or the gate is gone.
fn is_healed(cx: &Cx, now: &NodeFacts, to: KubeVersion) -> bool {
    let before = cx.program().inventory.get(&now.node).and_then(|n| n.facts.as_ref());
    let written = |component: Component| {
        let of = |f: &'_ NodeFacts| f.manifests.iter().find(|m| m.component == component).cloned();
        let (old, new) = (of(before?)?, of(now)?);
        (old.version != Some(to) && new.version == Some(to)).then_some((old.flags, new.flags))
    };
    cx.program().mends.repairs.iter().any(|repair| match repair {
        ConfigRepair::SetEtcdEndpoints { .. } => written(Component::KubeApiserver)
            .is_some_and(|(old, new)| old.joined("etcd-servers") == new.joined("etcd-servers")),
        ConfigRepair::RemoveGate { component, gate } => written(*component)
            .is_some_and(|(_, new)| !new.gates().into_iter().any(|(name, _)| name == *gate)),
        _ => false,
    })
}

/// The repaired text; `None` if nothing has to change.
fn wanted(
    cx: &Cx,
    config: &KubeadmConfigView,
    to: KubeVersion,
    scope: Scope,
) -> Result<Option<String>, String> {
    let program = cx.program();
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).map_err(|e| e.to_string())?;
    // Compares with what ran when the plan was made, because a broken manifest may run by now.
    let cause = root_cause::analyse(&parsed, &program.inventory, to, &program.options.site_gates);
    if let Some(why) = cause.unrepairable.first() {
        return Err(why.what.clone());
    }
    let (mut repairs, version) = (cause.repairs(), lost_version(cx, &parsed, to));
    repairs.retain(|repair| item_of(repair).is_none_or(|item| !approved::is_refused(cx, item)));
    let kept = program.mends.repairs.iter().filter(|r| r.is_kept() && scope == Scope::All && !let_go(cx, r));
    repairs.extend(kept.cloned());
    if repairs.is_empty() && version.is_none() {
        return Ok(None);
    }
    let text = repair_at(&config.cluster_configuration, &repairs, version).map_err(|e| e.to_string())?;
    let same = ClusterConfiguration::parse(&text).is_ok_and(|repaired| repaired == parsed);
    Ok((!same).then_some(text))
}

/// The item that a person may have to approve before this repair is made.
fn item_of(repair: &ConfigRepair) -> Option<Item> {
    match repair {
        ConfigRepair::SetEtcdEndpoints { .. } => Some(Item::EtcdServers),
        ConfigRepair::RemoveGate { .. } => Some(Item::FeatureGates),
        _ => None,
    }
}

/// The first repair of kubeadm-config that waits for a person's word.
fn unapproved(cx: &Cx, config: &KubeadmConfigView, to: KubeVersion) -> Option<Assess> {
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).ok()?;
    let cause = root_cause::analyse(&parsed, &cx.program().inventory, to, &cx.program().options.site_gates);
    let items = cause.repairs().iter().filter_map(item_of).collect::<Vec<_>>();
    let undecided = items
        .into_iter()
        .find(|item| item.is_asked(&cx.program().options) && cx.state.decision(*item).is_none())?;
    let what = match undecided {
        Item::EtcdServers => {
            "kubeadm-config lists no etcd endpoints, so kubeadm would write an empty --etcd-servers; the endpoints that run now would be written into it"
        }
        _ => "kubeadm-config has feature gates that must go, and they would be removed from it",
    };
    approved::awaited(cx, undecided, what)
}

/// What a person has refused of the repairs of the plan.
fn refused(cx: &Cx) -> Vec<String> {
    let repairs = cx.program().mends.repairs.iter();
    let items: std::collections::BTreeSet<Item> = repairs.filter_map(item_of).collect();
    let word = |item: Item| cx.state.decision(item).filter(|word| !word.approved).map(|word| (item, word));
    items
        .into_iter()
        .filter_map(word)
        .map(|(item, word)| format!("{item} was refused by {} ({})", word.by, word.reason))
        .collect()
}

/// kubeadm-config needs no repair, besides those that are waived by item or refused.
fn renders(cx: &Cx) -> Assess {
    let what = "kubeadm-config renders what runs";
    let refused = refused(cx);
    if !refused.is_empty() {
        return partly(format!("kubeadm-config is left as it is in part: {}", refused.join("; ")));
    }
    let gone = cx.program().mends.repairs.iter().filter(|repair| let_go(cx, repair));
    let names: Vec<&str> = gone
        .filter_map(|repair| match repair {
            ConfigRepair::SetArg { name, .. } | ConfigRepair::SetEnv { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    match names.is_empty() {
        true => done(what),
        false => partly(format!("{what}, without what is waived: {}", names.join(", "))),
    }
}

/// Whether the loss that this repair prevents is waived on every node that would have it.
fn let_go(cx: &Cx, repair: &ConfigRepair) -> bool {
    let (ConfigRepair::SetArg { component, name, .. } | ConfigRepair::SetEnv { component, name, .. }) =
        repair
    else {
        return false;
    };
    let losses = cx.program().goal.upgrade().map(|u| u.losses.as_slice()).unwrap_or_default();
    let mine = losses.iter().filter(|l| l.component == component.name() && l.name == *name);
    let nodes: Vec<_> = mine.flat_map(|l| l.nodes.clone()).collect();
    waived_on_all(&cx.state.waivers, &nodes, name).is_some()
}

/// The target version, if kubeadm wrote it in this run and an older text was put back since. `kubeadm upgrade node` takes its target from
/// there.
fn lost_version(cx: &Cx, config: &ClusterConfiguration, to: KubeVersion) -> Option<KubeVersion> {
    let applied = |s: &StepSpec| {
        let step = cx.state.steps.get(&s.id);
        matches!(s.kind, StepKind::KubeadmApply(_))
            && step.is_some_and(|x| matches!(x.status, StepStatus::Done { .. }))
    };
    let written = cx.program().steps().any(applied);
    (written && config.kubernetes_version() != Some(to)).then_some(to)
}

fn dead_endpoint(cx: &Cx, etcd: &Reply) -> Option<String> {
    let Some(OpOutput::Etcd(state)) = output(etcd) else {
        return Some("etcd's health is not known yet".into());
    };
    let repairs = cx.program().mends.repairs.iter();
    let endpoints = repairs.filter_map(|r| match r {
        ConfigRepair::SetEtcdEndpoints { endpoints } => Some(endpoints),
        _ => None,
    });
    let answers = |e: &String| state.members.iter().any(|m| m.endpoint == *e && m.healthy);
    endpoints
        .flatten()
        .find(|e| !answers(e) && !is_of_lost(cx, e))
        .map(|e| format!("etcd endpoint {e} does not answer: it is not written into kubeadm-config"))
}

/// Whether the endpoint is on a machine that an operator has declared lost.
fn is_of_lost(cx: &Cx, endpoint: &str) -> bool {
    let lost = cx.state.lost.keys().filter_map(|node| cx.program().inventory.get(node));
    let mut addresses = lost.filter_map(|n| n.view.internal_ip.as_deref());
    addresses.any(|ip| is_at(endpoint, ip))
}
