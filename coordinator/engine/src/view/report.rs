//! `podlift report`: what happened in a run, from the journal alone.

use super::bcm::{BcmReport, bcm};
use super::checks::{SignOff, sign_off};
use super::interrupted::{self, InterruptedJob};
use super::issues::{IssueRow, issue_rows};
use super::status::{FailedNode, aside_reason, failed};
use crate::doors::{BackupView, VIP};
use crate::inventory::{NodeEntry, NodeRole};
use crate::machine::{
    Approval, ChosenBatch, Decision, Lifted, Note, Overridden, ProbeKind, Probed, RunState, RunStatus,
    StepState, StepStatus,
};
use crate::program::{
    ATTESTATIONS, Attestation, Evidence, Finding, GoalName, LeftOut, Phase, Prevention, StepSpec, StopReason,
    Waiver,
};
use crate::steps::{Cordon, StepKind, Uncordon};
use crate::validate::Validation;
use jiff::Timestamp;
use podlift_model::op::FlagLoss;
use podlift_model::{KubeVersion, NodeName, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const SCHEMA: &str = "podlift.report/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub schema: String,
    pub run: RunId,
    /// succeeded, running, paused, aborting, aborted
    pub result: String,
    pub paused: Option<StopReason>,
    pub from: KubeVersion,
    pub to: KubeVersion,
    /// The goal of the run; absent if it is an upgrade.
    #[serde(default, skip_serializing_if = "GoalName::is_upgrade")]
    pub goal: GoalName,
    pub by: String,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub seconds: f64,
    pub nodes: Vec<NodeReport>,
    /// Failed workers without which the run went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedNode>,
    /// Nodes that the plan left out, by the operator's request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Nodes that an operator has declared lost, with that person.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<NodeName, String>,
    pub prevented: Vec<Prevention>,
    pub heals: Vec<HealReport>,
    pub waivers: Vec<Waiver>,
    /// Those of them that an operator has lifted during the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifted_waivers: Vec<Lifted>,
    /// Flags whose loss these waivers accept, so that neither the run nor a guard puts them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_losses: Vec<FlagLoss>,
    /// Attestations of operators, from before the run and during it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<Attestation>,
    /// Decisions of operators that nodes may be changed although their devices are in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Overridden>,
    /// What operators approved in the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Attestations that no operator has made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unattested: Vec<String>,
    /// The backup set on the coordinator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupView>,
    /// Findings of the plan that the run did not repair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Differences from before the run; `None` if they are not compared yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differences: Option<Vec<Finding>>,
    pub api_outage: ApiOutage,
    /// Batches of lanes in the order in which they were chosen, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<ChosenBatch>,
    /// Jobs of which the run has evicted pods, the most costly first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupted: Vec<InterruptedJob>,
    /// GPU-hours of work that those jobs have lost if they had no checkpoint, by namespace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gpu_hours_lost: BTreeMap<String, f64>,
    /// The software images of the run; `None` if the run does not ask BCM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bcm: Option<BcmReport>,
    /// Known issues that were seen, each with what was done about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<IssueRow>,
    /// Items that persons approved or refused by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, Decision>,
    /// Probes of the API endpoints by kind; the reads are those of `api_outage`, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub probes: BTreeMap<ProbeKind, BTreeMap<String, Probed>>,
    /// The validation at the end of the run; `None` until it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The findings that a person has written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    pub checks: Vec<SignOff>,
    /// Ops whose outcome is unknown, each with the reason.
    pub indeterminate: Vec<String>,
    /// What an abort put back; `left` has what it left changed.
    pub undone: Vec<String>,
    pub left: Vec<String>,
    pub journal_events: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeReport {
    pub name: NodeName,
    pub role: NodeRole,
    pub from: Option<KubeVersion>,
    pub to: Option<KubeVersion>,
    /// upgraded, deferred, lost, failed, unfinished, untouched
    pub result: String,
    /// Why the run went on without the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub phases: Vec<PhaseReport>,
    /// Seconds from cordon to uncordon by this run.
    pub unavailable_seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseReport {
    pub name: String,
    pub started_at: Timestamp,
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HealReport {
    pub node: NodeName,
    pub file: String,
    pub rule: String,
    pub at: Timestamp,
    pub latency_us: u64,
    pub diff: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiOutage {
    /// Outage of the address in front of the API servers, seconds.
    pub vip_seconds: f64,
    /// Outage of each API server on its own, seconds.
    pub endpoints: BTreeMap<String, f64>,
    /// Reads of an object at each endpoint while the run changed the control plane: twenty a second, each over a fresh connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reads: BTreeMap<String, Probed>,
}

pub fn report(s: &RunState, now: Timestamp) -> Report {
    let (result, paused) = match &s.status {
        RunStatus::Running => ("running", None),
        RunStatus::Paused { reason } => ("paused", Some(reason.clone())),
        RunStatus::Aborting { .. } => ("aborting", None),
        RunStatus::Aborted { .. } => ("aborted", None),
        RunStatus::Succeeded => ("succeeded", None),
    };
    let (undone, left) = match &s.status {
        RunStatus::Aborted { undone, left } => (undone.clone(), left.clone()),
        _ => (vec![], vec![]),
    };
    let jobs = interrupted::interrupted(s);
    Report {
        schema: SCHEMA.into(),
        run: s.run.clone(),
        result: result.into(),
        paused,
        from: s.plan.from(),
        to: s.plan.to(),
        goal: s.plan.goal.name(),
        by: s.by.clone(),
        started_at: s.started,
        ended_at: s.ended,
        seconds: seconds(s.started, s.ended.unwrap_or(now)),
        nodes: s.plan.inventory.nodes.iter().map(|n| node(s, n, now)).collect(),
        failed: failed(s),
        left_out: s.plan.left_out.iter().filter(|out| s.deferred.contains_key(&out.node)).cloned().collect(),
        lost: s.lost.clone(),
        prevented: prevented(s),
        heals: s.heals.iter().flat_map(heal).collect(),
        waivers: s.plan.waivers.clone(),
        lifted_waivers: s.lifted.clone(),
        accepted_losses: accepted_losses(s),
        attestations: s.attestations.clone(),
        overridden: s.overridden.clone(),
        approvals: s.approvals.clone(),
        unattested: unattested(s),
        backup: backup(s),
        findings: s.plan.findings.clone(),
        differences: differences(s),
        api_outage: outage(s, now),
        batches: s.batches.clone(),
        gpu_hours_lost: interrupted::by_namespace(&jobs),
        interrupted: jobs,
        bcm: bcm(s),
        issues: issue_rows(s),
        items: s.items.clone(),
        probes: probes(s),
        validation: validation(s),
        note: s.note.clone(),
        checks: sign_off(s),
        indeterminate: s
            .indeterminate
            .iter()
            .map(|(step, op, why)| format!("{step} ({op}): {why}"))
            .collect(),
        undone,
        left,
        journal_events: s.events,
    }
}

/// Only preventions whose repair the responsible step has really made.
fn prevented(s: &RunState) -> Vec<Prevention> {
    let acted: Vec<&StepSpec> = s.plan.steps().filter(|x| s.steps[&x.id].ever_acted).collect();
    let done = |p: &&Prevention| acted.iter().any(|x| x.kind.step().mends(&p.repair));
    s.plan.mends.prevented.iter().filter(done).cloned().collect()
}

fn accepted_losses(s: &RunState) -> Vec<FlagLoss> {
    let of = |loss: &FlagLoss| {
        let item = |w: &Waiver| w.item().is_none_or(|(_, flag)| flag == loss.flag.as_str());
        s.waivers.iter().any(|w| w.is_of_losses() && item(w))
    };
    s.plan.mends.meant.iter().filter(|loss| of(loss)).cloned().collect()
}

fn unattested(s: &RunState) -> Vec<String> {
    let said = |id: &str| s.attestations.iter().any(|a| a.id == id);
    ATTESTATIONS.iter().filter(|(id, _)| !said(id)).map(|(id, _)| id.to_string()).collect()
}

/// The first evidence of one kind among the steps that are done.
fn evidence<T>(s: &RunState, pick: impl Fn(&Evidence) -> Option<T>) -> Option<T> {
    s.steps.values().find_map(|step| match &step.status {
        StepStatus::Done { evidence } => pick(evidence),
        _ => None,
    })
}

fn backup(s: &RunState) -> Option<BackupView> {
    evidence(s, |e| match e {
        Evidence::BackupSealed { backup, .. } => backup.as_deref().cloned(),
        _ => None,
    })
}

fn differences(s: &RunState) -> Option<Vec<Finding>> {
    evidence(s, |e| match e {
        Evidence::Compared { findings, .. } => Some(findings.clone()),
        _ => None,
    })
}

fn validation(s: &RunState) -> Option<Validation> {
    evidence(s, |e| match e {
        Evidence::Validated { validation, .. } => Some(validation.as_ref().clone()),
        _ => None,
    })
}

fn probes(s: &RunState) -> BTreeMap<ProbeKind, BTreeMap<String, Probed>> {
    let all = [(ProbeKind::Read, &s.probed), (ProbeKind::Write, &s.writes), (ProbeKind::Watch, &s.watches)];
    all.into_iter().filter(|(_, counts)| !counts.is_empty()).map(|(kind, of)| (kind, of.clone())).collect()
}

fn heal(h: &crate::machine::Healed) -> Vec<HealReport> {
    let heal = &h.heal;
    let one = |rule: &String| HealReport {
        node: heal.node.clone(),
        file: heal.file.clone(),
        rule: rule.clone(),
        at: heal.at,
        latency_us: heal.latency_us,
        diff: heal.diff.clone(),
    };
    heal.rules.iter().map(one).collect()
}

fn node(s: &RunState, n: &NodeEntry, now: Timestamp) -> NodeReport {
    let mine: Vec<(&StepSpec, &StepState)> = s.steps_of(&n.name).collect();
    let over = mine.iter().all(|(_, x)| x.is_over());
    let result = match () {
        () if mine.is_empty() || !s.plan.chosen(&n.name) => "untouched",
        () if s.lost.contains_key(&n.name) => "lost",
        () if s.deferred.contains_key(&n.name) => "deferred",
        () if s.set_aside.contains_key(&n.name) => "failed",
        () if over && was_at_target(s, n, &mine) => "at-target",
        () if over => "upgraded",
        () if mine.iter().any(|(_, x)| matches!(x.status, StepStatus::Failed { .. })) => "failed",
        () if s.is_upgraded(&n.name) => "upgraded",
        () => "unfinished",
    };
    let over = mine.iter().filter(|(_, now)| now.is_done());
    let reached = over.filter_map(|(x, _)| x.kind.step().brings_to()).next_back();
    NodeReport {
        name: n.name.clone(),
        role: n.role,
        from: n.view.kubelet,
        to: reached.or(n.view.kubelet),
        result: result.into(),
        reason: reason(s, &n.name),
        phases: s.plan.phases.iter().filter_map(|p| phase(s, p, &n.name, now)).collect(),
        unavailable_seconds: unavailable(&mine, now),
    }
}

/// Whether the run only looked at the node, because an earlier one had upgraded it.
fn was_at_target(s: &RunState, n: &NodeEntry, mine: &[(&StepSpec, &StepState)]) -> bool {
    let changed = mine.iter().any(|(x, step)| step.attempts > 0 && x.kind.step().changes_node());
    s.plan.goal.upgrade().is_some() && n.view.kubelet == Some(s.plan.to()) && !changed
}

fn reason(s: &RunState, node: &NodeName) -> Option<String> {
    let aside = s.set_aside.get(node).map(|aside| aside_reason(s, node, aside));
    aside.or_else(|| s.why_deferred(node))
}

fn phase(s: &RunState, p: &Phase, node: &NodeName, now: Timestamp) -> Option<PhaseReport> {
    let steps: Vec<&StepState> =
        s.steps_of(node).filter(|(x, _)| x.phase == p.name).map(|(_, now)| now).collect();
    let started_at = steps.iter().filter_map(|x| x.began).min()?;
    let ended = steps.iter().filter_map(|x| x.ended).max().unwrap_or(now);
    Some(PhaseReport { name: p.name.clone(), started_at, seconds: seconds(started_at, ended) })
}

fn unavailable(mine: &[(&StepSpec, &StepState)], now: Timestamp) -> f64 {
    let of = |wanted: StepKind| mine.iter().find(|(x, _)| x.kind == wanted).map(|(_, now)| *now);
    let (Some(cordon), Some(uncordon)) = (of(Cordon {}.into()), of(Uncordon {}.into())) else { return 0.0 };
    match cordon.ended {
        Some(from) if cordon.ever_acted => seconds(from, uncordon.ended.unwrap_or(now)),
        _ => 0.0,
    }
}

fn outage(s: &RunState, now: Timestamp) -> ApiOutage {
    let mut endpoints: BTreeMap<String, f64> = BTreeMap::new();
    let servers = s.plan.inventory.control_planes().filter_map(|n| n.facts.as_ref()?.advertise.clone());
    endpoints.extend(servers.map(|e| (e, 0.0)));
    let mut vip = 0.0;
    for o in &s.outages {
        let length =
            o.milliseconds.map_or_else(|| seconds(o.from, s.ended.unwrap_or(now)), |ms| ms as f64 / 1000.0);
        match o.endpoint.as_str() {
            VIP => vip += length,
            endpoint => *endpoints.entry(endpoint.into()).or_default() += length,
        }
    }
    ApiOutage { vip_seconds: vip, endpoints, reads: s.probed.clone() }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.duration_since(from).as_millis() as f64 / 1000.0).max(0.0)
}
