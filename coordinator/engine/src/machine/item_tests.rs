//! Items by name: the run pauses for one, goes on after a word, and says who gave it.

use super::tests::Tape;
use super::*;
use crate::program::{APPROVAL, Item, StopReason};
use podlift_model::StepId;

fn reason(item: Item) -> StopReason {
    StopReason {
        code: APPROVAL.into(),
        message: "it waits".into(),
        detail: String::new(),
        undone: String::new(),
        next: item.command(),
    }
}

/// A run whose first step has failed because it needs the item, paused for it.
fn paused(item: Item) -> (Tape, StepId) {
    let mut tape = Tape::started();
    let step = tape.todo()[0].clone();
    tape.add(Event::StepFailed { step: step.clone(), reason: reason(item) }).unwrap();
    let Next::Pause(why) = next(tape.state()) else { panic!() };
    assert_eq!((why.code.as_str(), why.next.as_str()), (APPROVAL, item.command().as_str()));
    tape.add(Event::RunPaused { reason: *why, by: None, now: false }).unwrap();
    (tape, step)
}

fn approved(item: &str) -> Event {
    Event::ItemApproved { item: item.into(), by: "jane".into() }
}

fn refused(item: &str) -> Event {
    Event::ItemRefused { item: item.into(), reason: "not tonight".into(), by: "bob".into() }
}

#[test]
fn a_word_has_the_step_judged_again_and_the_run_goes_on() {
    for word in [approved("tigera-removal"), refused("tigera-removal")] {
        let (mut tape, step) = paused(Item::TigeraRemoval);
        assert_eq!(tape.state().awaited_item(), Some(Item::TigeraRemoval));
        tape.add(word.clone()).unwrap();
        assert_eq!(tape.state().status, RunStatus::Running, "{}", word.name());
        assert_eq!(tape.state().step(&step).unwrap().status, StepStatus::Pending);
        assert!(tape.todo().contains(&step));
        assert_eq!(tape.state().awaited_item(), None);
        let decision = tape.state().decision(Item::TigeraRemoval).unwrap();
        let wanted = match word {
            Event::ItemApproved { .. } => (true, "jane", ""),
            _ => (false, "bob", "not tonight"),
        };
        assert_eq!((decision.approved, decision.by.as_str(), decision.reason.as_str()), wanted);
    }
}

#[test]
fn another_item_and_an_approval_without_a_name_leave_the_run_paused() {
    let (mut tape, step) = paused(Item::TigeraRemoval);
    tape.add(approved("service-restore")).unwrap();
    assert!(matches!(tape.state().status, RunStatus::Paused { .. }), "decided before it is needed");
    assert!(tape.state().decision(Item::ServiceRestore).unwrap().approved);
    let error = tape.add(Event::Approved { by: "jane".into(), what: "all".into() }).unwrap_err();
    assert!(matches!(error, IllegalEvent::Status { .. }), "{error}");
    assert!(matches!(tape.state().step(&step).unwrap().status, StepStatus::Failed { .. }));
    // The last word counts, also before the step needs one.
    tape.add(refused("service-restore")).unwrap();
    assert!(!tape.state().decision(Item::ServiceRestore).unwrap().approved);
}

#[test]
fn an_item_that_no_step_has_is_refused_by_name() {
    let (mut tape, _) = paused(Item::RunaiRestart);
    let error = tape.add(approved("everything")).unwrap_err().to_string();
    assert!(error.contains("item everything is not known") && error.contains("tigera-removal"), "{error}");
    assert!(tape.state().items.is_empty());
}

/// A pause of a person stays, although the step that had waited is judged again.
#[test]
fn a_pause_of_a_person_is_not_ended_by_a_word() {
    let mut tape = Tape::started();
    let step = tape.todo()[0].clone();
    tape.add(Event::StepFailed { step: step.clone(), reason: reason(Item::SecretRestore) }).unwrap();
    let of_person = StopReason { code: "operator".into(), ..reason(Item::SecretRestore) };
    tape.add(Event::RunPaused { reason: of_person, by: Some("bob".into()), now: false }).unwrap();
    tape.add(approved("secret-restore")).unwrap();
    assert!(matches!(&tape.state().status, RunStatus::Paused { reason } if reason.code == "operator"));
    assert_eq!(tape.state().step(&step).unwrap().status, StepStatus::Pending);
}

#[test]
fn probes_are_counted_by_kind_and_notes_are_kept_after_the_end() {
    let mut tape = Tape::started();
    let probe = |kind, requests| Event::ApiProbed {
        endpoint: "vip".into(),
        kind,
        counts: Probed { requests, ..Probed::default() },
    };
    for (kind, requests) in
        [(ProbeKind::Read, 3), (ProbeKind::Write, 2), (ProbeKind::Watch, 1), (ProbeKind::Read, 4)]
    {
        tape.add(probe(kind, requests)).unwrap();
    }
    let s = tape.state();
    assert_eq!((s.probed["vip"].requests, s.writes["vip"].requests, s.watches["vip"].requests), (7, 2, 1));
    tape.add(Event::AbortAsked { by: "me".into(), reason: "r".into() }).unwrap();
    tape.add(Event::RunAborted { undone: vec![], left: vec![] }).unwrap();
    for text in ["first", "second"] {
        tape.add(Event::ReportNote { text: text.into(), by: "jane".into() }).unwrap();
    }
    assert_eq!(tape.state().note.as_ref().unwrap().text, "second");
    assert!(tape.add(approved("tigera-removal")).is_err(), "the run is over");
}

#[test]
fn an_object_that_goes_twice_has_a_row_for_each_time() {
    use crate::issues::{IssueName, Mend};
    let object = || "service runai/proxy".to_string();
    let issue = IssueName::LoadBalancers;
    let lost = |what: &str| Event::ObjectLost { object: object(), issue, what: what.into(), by: None };
    let mend = Mend::RestoreService { namespace: "runai".into(), name: "proxy".into() };
    let started = || Event::MendStarted { object: object(), issue, mend: mend.clone() };
    let ended = |result| Event::MendEnded { object: object(), issue, result, milliseconds: 800 };
    let mut tape = Tape::started();
    for event in [
        lost("gone"),
        lost("gone, by cmd"),
        started(),
        ended(Ok("created".into())),
        lost("gone"),
        started(),
        ended(Err("409".into())),
    ] {
        tape.add(event).unwrap();
    }
    let rows: Vec<(&str, Option<bool>)> = tape
        .state()
        .lost_objects
        .iter()
        .map(|row| (row.what.as_str(), row.result.as_ref().map(Result::is_ok)))
        .collect();
    assert_eq!(rows, [("gone, by cmd", Some(true)), ("gone", Some(false))]);
    assert!(tape.state().lost_objects.iter().all(|row| row.mend == Some(mend.clone())));
}
