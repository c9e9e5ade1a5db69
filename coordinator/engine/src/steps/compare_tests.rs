//! The comparison at the end of a run: what it compares, what it waits for, and how the run goes on.

use super::{Assess, CompareFleet, Cx, Step as _};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::goals::{PlanInput, build};
use crate::machine::{Event, RunState, apply};
use crate::program::{DIFFERENCES, Evidence};
use crate::survey::ClusterSurvey;
use crate::testing::survey::{cluster_survey, node_survey};
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::{OpOutput, RunId};
use std::collections::BTreeMap;

fn say(state: Option<RunState>, event: Event) -> RunState {
    apply(state, &RunId::new("r1").unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

fn run(input: &PlanInput) -> RunState {
    say(None, Event::RunStarted { plan: Box::new(build(input).unwrap()), by: "me".into() })
}

/// dgx030 has a mount that only its own agent can report.
fn mounted() -> PlanInput {
    let mut i = input();
    let survey = i.surveys.get_mut(&name("dgx030")).unwrap().as_mut().unwrap();
    survey.mounts = BTreeMap::from([("/raid".into(), "/dev/md1".into())]);
    i
}

fn with<T>(state: &RunState, then: impl FnOnce(&Cx) -> T) -> T {
    let step = state.plan.steps().find(|s| s.kind.step().verb() == "compare").unwrap();
    then(&Cx { state, step, ahead: 0, acted: false })
}

/// The present state: the cluster's survey, and the source of dgx030's mount.
fn seen(cluster: ClusterSurvey, source: &str) -> Reply {
    let mut survey = node_survey(false);
    survey.mounts = BTreeMap::from([("/raid".into(), source.into())]);
    Reply::All(vec![
        Reply::Cluster(ClusterReply::Survey(Box::new(cluster))),
        Reply::Node(Box::new(OpOutput::Survey(Box::new(survey)))),
    ])
}

fn judged(state: &RunState, reply: &Reply) -> Assess {
    with(state, |cx| CompareFleet::sample().assess(cx, reply))
}

#[test]
fn only_nodes_that_have_something_to_tell_are_asked() {
    let state = run(&mounted());
    let Probe::All(looks) = with(&state, |cx| CompareFleet::sample().probe(cx)) else { panic!() };
    assert!(matches!(&looks[0], Probe::Cluster(ClusterLook::Survey { endpoints }) if endpoints.len() == 3));
    assert!(looks.len() == 2 && matches!(&looks[1], Probe::Node(node, _) if *node == name("dgx030")));
}

#[test]
fn all_as_it_was_is_done_and_what_changed_is_waited_for_by_name() {
    let state = run(&mounted());
    let Assess::Done(Evidence::Compared { findings, .. }) =
        judged(&state, &seen(cluster_survey(), "/dev/md1"))
    else {
        panic!()
    };
    assert_eq!(findings, []);
    let mut other = cluster_survey();
    other.load_balancers.as_mut().unwrap()[0].addresses = vec!["10.77.0.91".into()];
    let Assess::Wait(why) = judged(&state, &seen(other, "/dev/md2")) else { panic!() };
    for part in ["2 differences", "10.77.0.91 instead of 10.77.0.90", "dgx030: /dev/md2 is mounted at /raid"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(why.contains("podlift attest differences-accepted"), "{why}");
}

#[test]
fn what_can_not_be_seen_is_not_taken_for_gone() {
    let state = run(&mounted());
    let blind = ClusterSurvey { tigera: Err("forbidden".into()), ..cluster_survey() };
    let Assess::Wait(why) = judged(&state, &seen(blind, "/dev/md1")) else { panic!() };
    assert!(why.starts_with("Tigera's state can't be seen") && why.ends_with("forbidden"), "{why}");
}

#[test]
fn a_difference_that_somebody_accepts_in_the_run_ends_it_and_is_kept() {
    let reply = seen(cluster_survey(), "/dev/md2");
    let attest = |state| {
        let event = Event::Attested { name: DIFFERENCES.into(), by: "jane".into(), note: "new disk".into() };
        say(Some(state), event)
    };
    let before = attest(run(&mounted()));
    let Assess::Wait(reason) = judged(&before, &reply) else { panic!("said before the difference was seen") };
    let compares = |s: &&crate::program::StepSpec| s.kind.step().verb() == "compare";
    let step = before.plan.steps().find(compares).unwrap().id.clone();
    let during = attest(say(Some(before), Event::StepWaiting { step, reason }));
    let other = seen(cluster_survey(), "/dev/md3");
    assert!(matches!(judged(&during, &other), Assess::Wait(_)), "another difference than the one shown");
    let Assess::Done(Evidence::Compared { what, findings }) = judged(&during, &reply) else { panic!() };
    assert!(what.ends_with("Accepted by jane (new disk)") && findings.len() == 1, "{what}");
}

#[test]
fn a_node_that_was_left_out_is_not_compared() {
    let deferred =
        Event::NodeDeferred { node: name("dgx030"), reason: "r".into(), by: "me".into(), until: None };
    let state = say(Some(run(&mounted())), deferred);
    let Probe::All(looks) = with(&state, |cx| CompareFleet::sample().probe(cx)) else { panic!() };
    assert_eq!(looks.len(), 1);
    let mut i = input();
    i.cluster_survey = Err("away".into());
    let nothing = run(&i);
    assert_eq!(with(&nothing, |cx| CompareFleet::sample().probe(cx)), Probe::All(vec![]));
    assert!(matches!(judged(&nothing, &Reply::All(vec![])), Assess::Done(_)));
}
