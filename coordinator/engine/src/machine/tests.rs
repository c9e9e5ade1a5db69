//! The fold: a run ends in whatever order its lanes proceed, illegal events are refused, and a run can be resumed from any prefix of its
//! journal.

use super::*;
use crate::goals::{PlanInput, build};
use crate::program::{Evidence, Program, StopReason};
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::{Digest, OpOutcome, RunId, StepId};
use proptest::prelude::*;

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_second(n as i64).unwrap()
}

/// A journal under construction.
pub(super) struct Tape {
    pub records: Vec<Record>,
    state: Option<RunState>,
}

impl Tape {
    pub fn started() -> Self {
        Self::of(&input())
    }
    pub fn of(input: &PlanInput) -> Self {
        let mut tape = Self { records: vec![], state: None };
        let plan = Box::new(build(input).unwrap());
        tape.add(Event::RunStarted { plan, by: "me".into() }).unwrap();
        tape
    }
    pub fn add(&mut self, event: Event) -> Result<(), IllegalEvent> {
        let now = at(self.records.len() as u64);
        let state = apply(self.state.clone(), &run(), now, &event)?;
        let anew = super::track::Track::new(&state.plan, &state.steps);
        assert!(state.track == anew, "after {} the track is not what the steps say", event.name());
        let slow = super::reference::driven(&state);
        for (step, ahead) in super::next::driven(&state) {
            assert_eq!(state.turn(&step.id), Some(ahead), "after {} the turn of {}", event.name(), step.id);
        }
        let fast = super::next::driven(&state).into_iter().map(|(step, _)| step.id.clone()).collect();
        assert_eq!(slow, fast, "after {} the tracked steps are not those of a full search", event.name());
        self.state = Some(state);
        self.records.push(seal(self.records.last(), now, Some(run()), None, event));
        Ok(())
    }
    pub fn state(&self) -> &RunState {
        self.state.as_ref().unwrap()
    }
    fn evidence(&self, step: &StepId) -> Evidence {
        let what = "seen".to_string();
        match self.state().plan.step(step).unwrap().kind.step().seals() {
            true => Evidence::BackupSealed { hash: Digest::of("x"), revision: 1, what, backup: None },
            false => Evidence::Seen { what },
        }
    }
    /// Drives one step to its end.
    pub fn complete(&mut self, step: &StepId) {
        let (attempt, op_id) = self.state().next_op(&self.state().plan.step(step).unwrap().clone());
        self.add(Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None })
            .unwrap();
        self.add(Event::OpEnded { step: step.clone(), op_id, outcome: OpOutcome::changed("x") }).unwrap();
        let evidence = self.evidence(step);
        self.add(Event::StepDone { step: step.clone(), evidence }).unwrap();
    }
    pub fn todo(&self) -> Vec<StepId> {
        match next(self.state()) {
            Next::Drive(todo) => todo.into_iter().map(|t| t.step.id).collect(),
            _ => vec![],
        }
    }
    pub fn until(&mut self, wanted: &str) -> StepId {
        loop {
            let first = self.todo()[0].clone();
            if first.as_str().ends_with(wanted) {
                return first;
            }
            self.complete(&first);
        }
    }
}

pub(super) fn failure() -> StopReason {
    StopReason {
        code: "x".into(),
        message: "m".into(),
        detail: String::new(),
        undone: String::new(),
        next: "n".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_order_of_lanes_ends_and_every_prefix_resumes(picks in prop::collection::vec(any::<prop::sample::Index>(), 200)) {
        let mut tape = Tape::started();
        for pick in &picks {
            let todo = tape.todo();
            if todo.is_empty() { break; }
            let servers = todo.iter().filter(|t| t.as_str().starts_with("control-plane/")).count();
            prop_assert!(servers <= 1, "one control-plane node at a time");
            let step = todo[pick.index(todo.len())].clone();
            tape.complete(&step);
        }
        prop_assert_eq!(next(tape.state()), Next::Succeed);
        tape.add(Event::RunSucceeded).unwrap();
        let cut = picks[0].index(tape.records.len() - 1) + 1;
        let prefix = fold(&tape.records[..cut]).unwrap().unwrap();
        prop_assert_ne!(next(&prefix), Next::Rest);
        prop_assert_eq!(&fold(&tape.records).unwrap().unwrap(), tape.state());
        prop_assert!(verify(&tape.records, Some(tape.records.len() as u64)).is_ok());
    }
}

#[test]
fn nothing_changes_before_the_backup_is_sealed() {
    let mut tape = Tape::started();
    let plan = tape.state().plan.clone();
    let step = plan.steps().find(|s| s.kind.step().looks_again_on_retry()).unwrap();
    let (attempt, op_id) = tape.state().next_op(step);
    let e = tape.add(Event::StepStarted { step: step.id.clone(), attempt, op_id, ledger: None }).unwrap_err();
    assert_eq!(e, IllegalEvent::BackupNotSealed { step: step.id.clone() });
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut tape = Tape::started();
    let first = tape.todo()[0].clone();
    let (attempt, op_id) = tape.state().next_op(&tape.state().plan.step(&first).unwrap().clone());
    let start = Event::StepStarted { step: first.clone(), attempt, op_id: op_id.clone(), ledger: None };
    let end = Event::OpEnded { step: first.clone(), op_id, outcome: OpOutcome::changed("x") };
    assert!(matches!(tape.add(end.clone()), Err(IllegalEvent::Step { .. })), "an end without a start");
    tape.add(start.clone()).unwrap();
    assert!(matches!(tape.add(start), Err(IllegalEvent::Step { .. })), "a second start");
    tape.add(end.clone()).unwrap();
    assert!(matches!(tape.add(end), Err(IllegalEvent::Step { .. })), "a second end");
    assert!(
        matches!(tape.add(Event::RunSucceeded), Err(IllegalEvent::Status { .. })),
        "success before the end"
    );
    let plan = Box::new(Program::clone(&tape.state().plan));
    assert!(matches!(
        tape.add(Event::RunStarted { plan, by: "x".into() }),
        Err(IllegalEvent::StartedTwice { .. })
    ));
    assert!(matches!(apply(None, &run(), at(0), &Event::RunSucceeded), Err(IllegalEvent::NotStarted { .. })));
}

#[test]
fn a_failure_rests_the_run_and_a_retry_looks_at_the_lane_again() {
    let mut tape = Tape::started();
    let verify = tape.until("runai-02/verify-api");
    tape.add(Event::StepFailed { step: verify.clone(), reason: failure() }).unwrap();
    tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
    assert_eq!(next(tape.state()), Next::Rest);
    tape.add(Event::RetryAsked { step: None, by: "me".into(), repair_dpkg: false }).unwrap();
    assert_eq!(tape.todo()[0].as_str(), "root-cause/repair-config", "the root cause first");
    let step = tape.todo()[0].clone();
    tape.add(Event::StepDone { step, evidence: Evidence::Seen { what: "still right".into() } }).unwrap();
    assert_eq!(
        tape.todo(),
        [StepId::new("control-plane/runai-02/etcd-ready").unwrap()],
        "then this lane from its start, and no other"
    );
}

#[test]
fn dpkg_is_repaired_by_the_retry_that_says_so_and_by_no_other() {
    let mut tape = Tape::started();
    let packages = tape.until("runai-01/install-kubeadm");
    for repair_dpkg in [true, false] {
        tape.add(Event::StepFailed { step: packages.clone(), reason: failure() }).unwrap();
        tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
        tape.add(Event::RetryAsked { step: None, by: "me".into(), repair_dpkg }).unwrap();
        assert_eq!(tape.state().steps[&packages].repair_dpkg, repair_dpkg);
    }
}

#[test]
fn a_retry_of_what_judges_a_phase_looks_at_all_its_lanes_again() {
    let mut tape = Tape::started();
    let seal = tape.until("backup/seal-backup");
    tape.add(Event::StepFailed { step: seal, reason: failure() }).unwrap();
    tape.add(Event::RunPaused { reason: failure(), by: None, now: false }).unwrap();
    tape.add(Event::RetryAsked { step: None, by: "me".into(), repair_dpkg: false }).unwrap();
    assert_eq!(
        tape.todo(),
        [StepId::new("backup/runai-01/etcd-snapshot").unwrap()],
        "one lane at a time, from the first"
    );
}

#[test]
fn an_open_op_is_driven_to_its_end_even_when_paused_or_aborting() {
    let mut tape = Tape::started();
    let step = tape.until("runai-01/kubeadm-apply");
    let (attempt, op_id) = tape.state().next_op(&tape.state().plan.step(&step).unwrap().clone());
    tape.add(Event::StepStarted { step: step.clone(), attempt, op_id: op_id.clone(), ledger: None }).unwrap();
    tape.add(Event::RunPaused { reason: failure(), by: Some("me".into()), now: false }).unwrap();
    assert_eq!(tape.todo(), std::slice::from_ref(&step));
    tape.add(Event::AbortAsked { by: "me".into(), reason: "enough".into() }).unwrap();
    assert_eq!(tape.todo(), std::slice::from_ref(&step));
    tape.add(Event::OpEnded { step: step.clone(), op_id, outcome: OpOutcome::changed("x") }).unwrap();
    let evidence = tape.evidence(&step);
    tape.add(Event::StepDone { step, evidence }).unwrap();
    assert_eq!(next(tape.state()), Next::Undo);
    tape.add(Event::RunAborted { undone: vec![], left: vec![] }).unwrap();
    assert_eq!(next(tape.state()), Next::Rest);
}

#[test]
fn a_deferred_node_is_a_legal_end() {
    let mut tape = Tape::started();
    tape.add(Event::NodeDeferred {
        node: name("dgx033"),
        reason: "dead".into(),
        by: "me".into(),
        until: None,
    })
    .unwrap();
    while let Some(step) = tape.todo().first().cloned() {
        assert!(!step.as_str().contains("dgx033"));
        tape.complete(&step);
    }
    tape.add(Event::RunSucceeded).unwrap();
    let report = crate::view::report(tape.state(), at(9999));
    let of = |n: &str| report.nodes.iter().find(|x| x.name == name(n)).unwrap().result.clone();
    assert_eq!(
        (report.result.as_str(), of("dgx033").as_str(), of("dgx030").as_str()),
        ("succeeded", "deferred", "upgraded")
    );
    let open: Vec<&str> =
        report.checks.iter().filter(|c| c.result != "passed").map(|c| c.id.as_str()).collect();
    // No validation has shown anything of the site's services.
    let lines = ["workers-upgraded", "packages-held", "cordons-returned"];
    let unproven = ["load-balancers", "ingress-tls", "calico", "as-recorded"];
    let rows = ["nodes-deferred", "nodes-added"];
    assert_eq!(
        open,
        [&lines[..], &unproven[..], &rows[..]].concat(),
        "what was skipped is not passed: {:?}",
        report.checks
    );
    let line = report.checks.iter().find(|c| c.id == "workers-upgraded").unwrap();
    assert!(line.evidence.ends_with("left out: dgx033"), "{}", line.evidence);
    assert_eq!(report.prevented.len(), 2);
}
