//! The images of a run in its views: what the head node does now, what was made and assigned, and which old images nobody uses.

use super::report::report;
use super::status::summary;
use super::*;
use crate::goals::{PlanInput, build};
use crate::machine::{Event, Next, RunState, StepStatus, apply, next};
use crate::program::{Evidence, StepSpec, StopReason};
use crate::testing::bcm::with_images;
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::{NodeName, RunId, StepId};

fn at() -> Timestamp {
    Timestamp::from_second(60).unwrap()
}

fn started() -> RunState {
    let mut i = input();
    with_images(&mut i);
    of(&i)
}

fn of(input: &PlanInput) -> RunState {
    let plan = Box::new(build(input).unwrap());
    apply(None, &run(), at(), &Event::RunStarted { plan, by: "eve".into() }).unwrap()
}

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn seen() -> Evidence {
    Evidence::Seen { what: "as it shall be".into() }
}

/// The run with every step before this phase done.
fn before(phase: &str) -> RunState {
    let mut state = started();
    loop {
        let Next::Drive(todo) = next(&state) else { panic!("{:?}", state.phase().map(|p| &p.name)) };
        if todo[0].step.phase == phase {
            return state;
        }
        let done = Event::StepDone { step: todo[0].step.id.clone(), evidence: seen() };
        state = apply(Some(state), &run(), at(), &done).unwrap();
    }
}

/// The same run with these steps done, whatever their turn.
fn with(mut state: RunState, picked: impl Fn(&StepSpec) -> bool) -> RunState {
    let ids: Vec<StepId> = state.plan.steps().filter(|x| picked(x)).map(|x| x.id.clone()).collect();
    for id in ids {
        let mut step = state.steps[&id].clone();
        step.status = StepStatus::Done { evidence: seen() };
        state.steps.insert_mut(id, step);
    }
    state
}

fn images(state: &RunState) -> Vec<ImageReport> {
    report(state, at()).bcm.unwrap().images
}

fn line(state: &RunState, id: &str) -> (String, String) {
    let found = report(state, at()).checks.into_iter().find(|line| line.id == id).unwrap();
    (found.result, found.evidence)
}

fn is_of(x: &StepSpec, verb: &str) -> bool {
    x.kind.step().verb() == verb
}

#[test]
fn the_step_of_the_head_node_is_shown_while_the_images_are_made() {
    let state = before("images");
    let head = summary(&state).at_head.unwrap();
    assert_eq!((head.head.as_str(), head.state.as_str(), head.line), ("head-01", "working", None));
    assert_eq!(head.step.as_str(), "images/image-clone-dgx-image-k8s-1.32.9");
    let reason = "waits for CMDaemon's tasks".to_string();
    let waits = Event::StepWaiting { step: head.step.clone(), reason: reason.clone() };
    let state = apply(Some(state), &run(), at(), &waits).unwrap();
    let waiting = summary(&state).at_head.unwrap();
    assert_eq!((waiting.state.as_str(), waiting.line), ("waiting", Some(reason)));
    assert_eq!(summary(&started()).at_head, None, "a phase of nodes");
}

/// BCM has failed over since the plan was made.
#[test]
fn the_head_node_that_acts_now_is_named() {
    let mut state = before("images");
    let named = |state: &RunState| {
        let seen = report(state, at()).bcm.unwrap().head;
        (summary(state).at_head.unwrap().head.to_string(), seen.to_string())
    };
    assert_eq!(named(&state), ("head-01".into(), "head-01".into()));
    for head in ["head-02", "head-01"] {
        state = apply(Some(state), &run(), at(), &Event::HeadActs { head: name(head) }).unwrap();
        assert_eq!(named(&state), (head.into(), head.into()));
    }
}

#[test]
fn an_image_is_ready_when_all_of_its_steps_are_done() {
    let state = before("images");
    let made = |n: usize| {
        let steps: Vec<String> =
            state.plan.steps().filter(|x| x.phase == "images").take(n).map(|x| x.id.to_string()).collect();
        let state = with(state.clone(), |x| steps.contains(&x.id.to_string()));
        images(&state).into_iter().map(|image| image.ready).collect::<Vec<_>>()
    };
    assert_eq!(made(0), [false, false]);
    assert_eq!(made(5), [false, false], "still locked");
    assert_eq!(made(6), [true, false]);
    assert_eq!(made(12), [true, true]);
}

#[test]
fn an_old_image_is_unused_when_no_node_and_no_category_has_it() {
    let assigned = |x: &StepSpec| is_of(x, "assign-image");
    let state = with(started(), |x| assigned(x) && x.node != Some(name("dgx033")));
    let [workers, servers] = <[ImageReport; 2]>::try_from(images(&state)).unwrap();
    assert_eq!(workers.assigned, ["dgx030", "dgx031", "dgx032"].map(name));
    assert_eq!((workers.waiting.as_slice(), workers.old_unused), (&[name("dgx033")][..], false));
    assert_eq!((servers.waiting, servers.old_unused), (Vec::<NodeName>::new(), false), "its category has it");
    let state = with(started(), |x| assigned(x) || is_of(x, "sync"));
    let workers = images(&state).remove(0);
    assert_eq!((workers.synced.len(), workers.categories.len(), workers.old_unused), (4, 0, false));
    let state = with(state, |x| x.phase == "bcm");
    let all = images(&state);
    assert_eq!(all[0].categories.iter().map(|c| c.as_str()).collect::<Vec<_>>(), ["dgx-h100"]);
    assert!(all.iter().all(|image| image.old_unused && image.others.is_empty()), "{all:?}");
}

#[test]
fn the_sign_off_has_a_line_for_the_images_and_one_for_the_books() {
    let state = started();
    assert_eq!(line(&state, "software-images").0, "open");
    assert_eq!(line(&state, "bcm-metadata").0, "open");
    let state = with(state, |x| x.phase == "images" || is_of(x, "assign-image") || is_of(x, "sync"));
    assert_eq!(line(&state, "software-images").0, "passed");
    assert_eq!(line(&state, "bcm-metadata").0, "open");
    let books = |x: &StepSpec| x.phase == "bcm" || is_of(x, "learn-config");
    let mut state = with(state, books);
    assert_eq!(line(&state, "bcm-metadata").0, "passed");
    let id = state.plan.steps().find(|x| is_of(x, "bcm-version")).unwrap().id.clone();
    let mut step = state.steps[&id].clone();
    step.status = StepStatus::Done { evidence: Evidence::Partly { what: "left: eve waived it".into() } };
    state.steps.insert_mut(id.clone(), step.clone());
    assert_eq!(line(&state, "bcm-metadata"), ("open".into(), "left: eve waived it".into()));
    let reason = StopReason {
        code: "bcm-no-effect".into(),
        message: "BCM's metadata says 1.31.9-1.1".into(),
        detail: String::new(),
        undone: String::new(),
        next: "podlift retry".into(),
    };
    step.status = StepStatus::Failed { reason };
    state.steps.insert_mut(id, step);
    assert_eq!(line(&state, "bcm-metadata"), ("failed".into(), "BCM's metadata says 1.31.9-1.1".into()));
}

#[test]
fn a_run_that_asks_no_bcm_has_no_images_and_leaves_the_books_to_a_person() {
    let mut i = input();
    assert_eq!(report(&of(&i), at()).bcm.unwrap().images, [], "BCM gives no node an image");
    i.bcm = None;
    let state = of(&i);
    let seen = report(&state, at());
    assert_eq!(seen.bcm, None);
    assert!(!seen.checks.iter().any(|line| line.id == "software-images"));
    let (result, evidence) = line(&state, "bcm-metadata");
    assert!(result == "open" && evidence.contains("set version v1.32.9 there"), "{result}: {evidence}");
}
