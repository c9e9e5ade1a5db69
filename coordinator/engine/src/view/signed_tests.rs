//! The sign-off is ticked by evidence alone: without it, a line is open. What a run met and what a sentinel sees are folds of events.

use super::checks::{LINES, sign_off};
use super::issues::issue_rows;
use super::*;
use crate::goals::build;
use crate::inventory::NodeRole;
use crate::issues::{IssueName, Mend, Writer, WriterSource};
use crate::machine::{Event, RunState, StepStatus, apply};
use crate::program::{Evidence, Severity};
use crate::testing::input;
use crate::validate::{Checked, Counts, Group, Outcome, Validation};
use jiff::Timestamp;
use podlift_model::{Digest, RunId, StepId};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn validation() -> Validation {
    let check = |id: &str| Checked {
        id: id.into(),
        title: "t".into(),
        group: Group::Network,
        severity: Severity::Blocker,
        result: Outcome::Passed,
        evidence: vec![format!("{id} is as it was")],
        next: String::new(),
    };
    let checks: Vec<Checked> = ["addresses", "tls", "calico"].map(check).to_vec();
    let counts = Counts { passed: 3, failed: 0, open: 0 };
    Validation { schema: crate::validate::SCHEMA.into(), at: at(0), run: None, checks, counts }
}

fn started() -> RunState {
    let event = Event::RunStarted { plan: Box::new(build(&input()).unwrap()), by: "me".into() };
    apply(None, &RunId::new("r1").unwrap(), at(0), &event).unwrap()
}

fn say(state: RunState, second: i64, event: Event) -> RunState {
    apply(Some(state), &RunId::new("r1").unwrap(), at(second), &event).unwrap()
}

/// A run whose steps are all done.
fn done() -> RunState {
    let mut state = started();
    let steps: Vec<(StepId, Evidence)> = state
        .plan
        .steps()
        .map(|spec| {
            let what = "seen".to_string();
            let evidence = match spec.kind.step() {
                step if step.seals() => {
                    Evidence::BackupSealed { hash: Digest::of("x"), revision: 1, what, backup: None }
                }
                step if step.verb() == "validate" => {
                    Evidence::Validated { what, validation: Box::new(validation()) }
                }
                _ => Evidence::Seen { what },
            };
            (spec.id.clone(), evidence)
        })
        .collect();
    for (step, evidence) in steps {
        state.steps.get_mut(&step).unwrap().status = StepStatus::Done { evidence };
    }
    state
}

fn result(state: &RunState, id: &str) -> String {
    sign_off(state).into_iter().find(|line| line.id == id).unwrap().result
}

#[test]
fn a_line_is_open_as_soon_as_its_evidence_is_removed() {
    let whole = done();
    for id in LINES {
        assert_eq!(result(&whole, id), "passed", "{id}");
        let mut without = done();
        let of_line = |role| {
            let mine = whole.plan.steps().filter(move |spec| spec.kind.step().sign_off(role) == Some(id));
            mine.map(|spec| spec.id.clone()).collect::<Vec<_>>()
        };
        let mut removed = [of_line(NodeRole::ControlPlane), of_line(NodeRole::Worker)].concat();
        // Lines that a check of the validation proves.
        if ["load-balancers", "ingress-tls", "calico"].contains(id) {
            removed.push(StepId::new("validate/validate").unwrap());
        }
        if removed.is_empty() {
            continue;
        }
        for step in removed {
            without.steps.get_mut(&step).unwrap().status = StepStatus::Pending;
        }
        assert_ne!(result(&without, id), "passed", "{id}");
    }
}

#[test]
fn an_open_or_failed_check_leaves_its_line_and_the_validation_unticked() {
    for outcome in [Outcome::Open, Outcome::Failed] {
        let mut state = done();
        let step = StepId::new("validate/validate").unwrap();
        let mut seen = validation();
        seen.checks[1].result = outcome;
        seen.counts.passed = 2;
        let evidence = Evidence::Validated { what: "2 of 3".into(), validation: Box::new(seen) };
        state.steps.get_mut(&step).unwrap().status = StepStatus::Done { evidence };
        assert_eq!(result(&state, "ingress-tls"), outcome.name());
        assert_eq!((result(&state, "validated"), result(&state, "calico")), ("open".into(), "passed".into()));
    }
}

#[test]
fn a_refusal_leaves_the_line_open_and_is_an_issue_of_the_report() {
    let mut state = done();
    let step = StepId::new("after/restore-service.ingress.nginx").unwrap();
    let what = "service ingress/nginx is gone: refused by bob (not tonight)".to_string();
    state.steps.get_mut(&step).unwrap().status = StepStatus::Done { evidence: Evidence::Partly { what } };
    assert_eq!(result(&state, "load-balancers"), "open");
    let rows = issue_rows(&state);
    assert!(
        matches!(&rows[..], [row] if row.what.contains("refused by bob") && row.done.is_none()),
        "{rows:?}"
    );
    assert!(issue_rows(&done()).is_empty(), "a step that found nothing to do is no issue");
}

#[test]
fn what_the_keeper_put_back_is_told_with_writer_and_time() {
    let (object, issue) = ("service ingress/nginx".to_string(), IssueName::LoadBalancers);
    let writer = Writer { name: "helm".into(), at: None, source: WriterSource::ManagedFields };
    let lost = Event::ObjectLost {
        object: object.clone(),
        issue,
        what: "it is gone".into(),
        by: Some(writer.clone()),
    };
    let mend = Mend::RestoreService { namespace: "ingress".into(), name: "nginx".into() };
    let state = say(started(), 10, lost);
    assert_eq!(issue_rows(&state)[0].done, None);
    let state = say(state, 10, Event::MendStarted { object: object.clone(), issue, mend });
    let ended = Event::MendEnded { object, issue, result: Ok("created again".into()), milliseconds: 1100 };
    let rows = issue_rows(&say(state, 11, ended));
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.since, row.when, row.by.as_ref()), (Some(at(10)), Some(at(11)), Some(&writer)));
    assert_eq!(row.done.as_deref(), Some("created again after 1.1 s"));
}

#[test]
fn the_sentinel_shows_what_is_not_cleared_the_worst_first() {
    let saw = |key: &str, severity, what: &str| Event::SentinelSaw {
        key: key.into(),
        issue: None,
        severity,
        what: what.into(),
        evidence: vec![],
        next: "podlift status".into(),
    };
    let mut seen = Sentinels::default();
    seen.hear(at(1), &saw("agents/dgx030", Severity::Warning, "silent for 1 min"));
    seen.hear(at(2), &saw("load-balancers/runai/proxy", Severity::Blocker, "gone"));
    seen.hear(at(3), &saw("drift/kubelet-config", Severity::Note, "changed"));
    seen.hear(at(4), &saw("agents/dgx030", Severity::Warning, "silent for 5 min"));
    seen.hear(
        at(5),
        &Event::SentinelCleared { key: "drift/kubelet-config".into(), what: "as it was".into() },
    );
    let view = seen.view("report", Some(at(0)));
    let rows: Vec<_> = view.seen.iter().map(|row| (row.key.as_str(), row.since, row.what.as_str())).collect();
    let wanted =
        [("load-balancers/runai/proxy", at(2), "gone"), ("agents/dgx030", at(1), "silent for 5 min")];
    assert_eq!((rows, view.mode.as_str()), (wanted.to_vec(), "report"));
}
