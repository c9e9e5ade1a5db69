//! The state of a run that has just started.

use super::state::{RunState, RunStatus};
use super::step::{StepState, StepStatus};
use super::track::Track;
use crate::program::{Program, StepSpec};
use jiff::Timestamp;
use podlift_model::RunId;
use std::collections::BTreeMap;

pub(super) fn start(run: &RunId, at: Timestamp, plan: &Program, by: &str) -> RunState {
    let status = |s: &StepSpec| match s.node.as_ref().and_then(|node| plan.left_out(node)) {
        None => StepStatus::Pending,
        Some(out) => StepStatus::Skipped { reason: format!("node left out: {}", out.why) },
    };
    let first = |s: &StepSpec| StepState { status: status(s), ..StepState::pending() };
    let steps = plan.steps().map(|s| (s.id.clone(), first(s))).collect();
    RunState {
        track: Track::new(plan, &steps),
        run: run.clone(),
        by: by.into(),
        started: at,
        last: at,
        ended: None,
        status: RunStatus::Running,
        steps,
        waivers: plan.waivers.clone(),
        deferred: plan.left_out.iter().map(|out| (out.node.clone(), out.why.clone())).collect(),
        deferred_until: plan.left_out.iter().filter_map(|o| Some((o.node.clone(), o.until?))).collect(),
        batches: vec![],
        batch_waits: None,
        waits_since: None,
        interrupted: Default::default(),
        learned: Default::default(),
        head: None,
        admitted: Default::default(),
        choosing_since: None,
        agreed: Default::default(),
        undo_due: Default::default(),
        left: BTreeMap::new(),
        set_aside: BTreeMap::new(),
        goes_on_without: Default::default(),
        gave_up: Default::default(),
        left_by_policy: Default::default(),
        left_accepted: Default::default(),
        accepted: BTreeMap::new(),
        lost: BTreeMap::new(),
        max_unavailable: plan.options.max_unavailable,
        pauses_now: false,
        continued: 0,
        undo_stopped: false,
        attestations: plan.attestations.clone(),
        approvals: vec![],
        overridden: vec![],
        overrides: BTreeMap::new(),
        lifted: vec![],
        seal: None,
        heals: vec![],
        outages: vec![],
        probed: Default::default(),
        writes: BTreeMap::new(),
        watches: BTreeMap::new(),
        items: BTreeMap::new(),
        lost_objects: vec![],
        note: None,
        indeterminate: vec![],
        approved: BTreeMap::new(),
        asked: None,
        events: 1,
        plan: plan.clone().into(),
    }
}
