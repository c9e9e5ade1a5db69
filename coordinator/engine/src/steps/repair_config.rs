//! The root cause, repaired in kubeadm-config before any kubeadm runs: with a resourceVersion precondition, never while a kubeadm unit
//! runs, and only with endpoints that answer. The old text is in the plan, and so in the journal.

use super::types::{Assess, Cx, Step, blocked, cluster, done, many, odd, output};
use crate::doors::{Act, ClusterAct, ClusterLook, ClusterReply, KubeadmConfigView, Probe, Reply};
use crate::kubeadm_config::{ClusterConfiguration, ConfigRepair, repair_at};
use crate::machine::StepStatus;
use crate::plan::checks::FLAG_LOSS;
use crate::plan::{StepKind, StepSpec, root_cause};
use podlift_model::{KubeVersion, Look, OpOutput};

pub struct RepairConfig;

impl Step for RepairConfig {
    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![Probe::Cluster(ClusterLook::KubeadmConfig), cx.look(Look::EtcdHealth)];
        let servers = cx.plan().inventory.control_planes();
        looks.extend(servers.map(|n| Probe::Node(n.name.clone(), Look::Facts)));
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [Reply::Cluster(ClusterReply::KubeadmConfig(config)), etcd, nodes @ ..] = many(reply) else {
            return odd(reply);
        };
        if let Some(waiver) = cx.state.waived(FLAG_LOSS) {
            return done(format!("left as it is: {} waived it ({})", waiver.by, waiver.reason));
        }
        match wanted(cx, config) {
            Ok(None) => return done("kubeadm-config renders what runs"),
            Ok(Some(_)) => (),
            Err(why) => {
                return blocked(
                    "kubeadm-config",
                    why,
                    "kubectl -n kube-system edit cm kubeadm-config && podlift retry",
                );
            }
        }
        if let Some(why) = dead_endpoint(cx, etcd) {
            return Assess::Wait(why);
        }
        for facts in nodes.iter().filter_map(super::types::facts) {
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
        let config = config(many(reply).first()?)?;
        let text = wanted(cx, config).ok().flatten()?;
        let resource_version = config.resource_version.clone();
        Some(Act::Cluster(ClusterAct::WriteKubeadmConfig { resource_version, cluster_configuration: text }))
    }
}

/// The repaired text, or None where nothing has to change.
fn wanted(cx: &Cx, config: &KubeadmConfigView) -> Result<Option<String>, String> {
    let plan = cx.plan();
    let parsed = ClusterConfiguration::parse(&config.cluster_configuration).map_err(|e| e.to_string())?;
    // Against what ran when the plan was made: by now a broken manifest may be what runs.
    let cause = root_cause::analyse(&parsed, &plan.inventory, plan.to, &plan.options.site_gates);
    if let Some(why) = cause.unrepairable.first() {
        return Err(why.clone());
    }
    let (mut repairs, version) = (cause.repairs(), lost_version(cx, &parsed));
    repairs.extend(plan.repairs.iter().filter(|r| r.is_kept()).cloned());
    if repairs.is_empty() && version.is_none() {
        return Ok(None);
    }
    let text = repair_at(&config.cluster_configuration, &repairs, version).map_err(|e| e.to_string())?;
    let same = ClusterConfiguration::parse(&text).is_ok_and(|repaired| repaired == parsed);
    Ok((!same).then_some(text))
}

/// The target, where kubeadm wrote it in this run and somebody put an older text back: `kubeadm upgrade node` takes its target from there.
fn lost_version(cx: &Cx, config: &ClusterConfiguration) -> Option<KubeVersion> {
    let to = cx.plan().to;
    let applied = |s: &StepSpec| {
        let step = cx.state.steps.get(&s.id);
        matches!(s.kind, StepKind::KubeadmApply)
            && step.is_some_and(|x| matches!(x.status, StepStatus::Done { .. }))
    };
    let written = cx.plan().steps().any(applied);
    (written && config.kubernetes_version() != Some(to)).then_some(to)
}

fn dead_endpoint(cx: &Cx, etcd: &Reply) -> Option<String> {
    let Some(OpOutput::Etcd(state)) = output(etcd) else {
        return Some("etcd's health is not known yet".into());
    };
    let repairs = cx.plan().repairs.iter();
    let endpoints = repairs.filter_map(|r| match r {
        ConfigRepair::SetEtcdEndpoints { endpoints } => Some(endpoints),
        _ => None,
    });
    let answers = |e: &String| state.members.iter().any(|m| m.endpoint == *e && m.healthy);
    endpoints
        .flatten()
        .find(|e| !answers(e))
        .map(|e| format!("etcd endpoint {e} does not answer: it is not written into kubeadm-config"))
}

/// The text now, for whoever needs only that.
pub(super) fn config(reply: &Reply) -> Option<&KubeadmConfigView> {
    match cluster(reply)? {
        ClusterReply::KubeadmConfig(config) => Some(config),
        _ => None,
    }
}
