//! What an aborted run leaves for the next plan: the record from before it, and the versions at which it left the kubelets.

use super::*;
use crate::machine::{Event, RunState, StepStatus, apply};
use crate::program::{Evidence, Severity, Waiver};
use crate::testing::survey::hardware;
use crate::testing::{input, name};
use jiff::Timestamp;
use podlift_model::RunId;

fn started(i: &PlanInput, run: &str) -> RunState {
    let event = Event::RunStarted { plan: Box::new(build(i).unwrap()), by: "me".into() };
    apply(None, &RunId::new(run).unwrap(), Timestamp::UNIX_EPOCH, &event).unwrap()
}

/// A run that has restarted the kubelet of dgx030, done all of dgx031 and not touched the others.
fn half_done(run: &str) -> RunState {
    let mut state = started(&input(), run);
    let specs: Vec<_> = state.plan.steps().cloned().collect();
    for spec in specs {
        let Some(step) = state.steps.get_mut(&spec.id) else { panic!() };
        let at = Timestamp::UNIX_EPOCH;
        let done = StepStatus::Done { evidence: Evidence::Seen { what: "seen".into() } };
        match spec.id.as_str() {
            id if id.ends_with("dgx030/kubelet-restart") => (step.attempts, step.began) = (1, Some(at)),
            id if id.starts_with("workers/dgx031/") => (step.attempts, step.status) = (1, done),
            _ => {}
        }
    }
    state
}

fn offers(i: &mut PlanInput, node: &str, gpus: &str) {
    let all = i.cluster_survey.as_mut().unwrap().hardware.as_mut().unwrap();
    all.entry(name(node)).or_insert_with(hardware).allocatable.insert("nvidia.com/gpu".into(), gpus.into());
}

fn recorded(plan: &crate::program::Program, node: &str) -> String {
    plan.recorded.hardware.as_ref().unwrap()[&name(node)].allocatable["nvidia.com/gpu"].clone()
}

#[test]
fn an_unfinished_node_is_compared_with_the_record_from_before_the_run_that_began_it() {
    let mut i = input();
    i.earlier = Earlier::of([&half_done("r1")].into_iter());
    assert_eq!(i.earlier.recorded.since.keys().collect::<Vec<_>>(), [&name("dgx030")]);
    // One GPU is gone since, and a finished node has the hardware of now.
    offers(&mut i, "dgx030", "7");
    offers(&mut i, "dgx031", "4");
    let plan = build(&i).unwrap();
    assert_eq!((recorded(&plan, "dgx030").as_str(), recorded(&plan, "dgx031").as_str()), ("8", "4"));
    let found: Vec<_> = plan.findings.iter().filter(|f| f.check == "devices").collect();
    assert_eq!((found.len(), found[0].severity), (1, Severity::Warning), "{found:?}");
    assert!(found[0].evidence.starts_with("nvidia.com/gpu: 7 allocatable, 8 before; run r1"), "{found:?}");
    // The next run has not touched the node and ends: the record stays.
    let again = Earlier::of([&half_done("r1"), &started(&i, "r2")].into_iter());
    let all = again.recorded.hardware.as_ref().unwrap();
    assert_eq!(all[&name("dgx030")].allocatable["nvidia.com/gpu"], "8");
    assert_eq!(again.recorded.since[&name("dgx030")].as_str(), "r1");
}

#[test]
fn new_hardware_of_an_unfinished_node_is_accepted_by_item_and_no_other_name_is() {
    let mut i = input();
    i.earlier = Earlier::of([&half_done("r1")].into_iter());
    offers(&mut i, "dgx030", "7");
    let waiver =
        |node: &str| Waiver { check: format!("devices/{node}"), reason: "RMA".into(), by: "jane".into() };
    i.waivers = vec![waiver("dgx030")];
    let plan = build(&i).unwrap();
    assert_eq!(recorded(&plan, "dgx030"), "7");
    assert!(plan.recorded.since.is_empty() && plan.findings.iter().all(|f| f.check != "devices"));
    i.waivers = vec![waiver("dgx031")];
    let why = build(&i).unwrap_err().to_string();
    assert!(why.contains("expected devices/NODE with one of dgx030"), "{why}");
    i.earlier = Earlier::default();
    let why = build(&i).unwrap_err().to_string();
    assert!(why.contains("leave the waiver out"), "{why}");
}

#[test]
fn an_unfinished_node_that_is_at_the_target_shows_its_devices_before_anything_else_counts() {
    let mut i = input();
    i.earlier = Earlier::of([&half_done("r1")].into_iter());
    let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap();
    node.view.kubelet = Some(i.to);
    let facts = node.facts.as_mut().unwrap();
    facts.kubelet = Some(i.to);
    facts.packages.values_mut().for_each(|p| p.version = "1.32.9-1.1".parse().ok());
    let plan = build(&i).unwrap();
    let steps: Vec<&str> = plan.steps().map(|s| s.id.as_str()).collect();
    assert!(steps.contains(&"at-target/dgx030/devices-back"), "{steps:?}");
    i.earlier = Earlier::default();
    assert!(build(&i).unwrap().steps().all(|s| s.id.as_str() != "at-target/dgx030/devices-back"));
}

/// Case 63: a node that BCM has provisioned anew has the older kubelet of its software image.
#[test]
fn a_kubelet_that_is_older_than_a_run_left_it_is_named_with_the_probable_writer() {
    let mut i = input();
    i.earlier = Earlier::of([&half_done("r1")].into_iter());
    let plan = build(&i).unwrap();
    let found: Vec<_> = plan.findings.iter().filter(|f| f.check == "went-back").collect();
    assert_eq!((found.len(), found[0].node.as_ref()), (1, Some(&name("dgx031"))), "{found:?}");
    let said = &found[0].evidence;
    assert!(
        said.starts_with("its kubelet is v1.31.9, and run r1 left it at v1.32.9 on 1970-01-01"),
        "{said}"
    );
    assert!(said.contains("BCM") && found[0].next.contains("get softwareimage"), "{found:?}");
    for node in &mut i.inventory.nodes {
        node.view.kubelet = Some(i.to);
    }
    assert!(build(&i).is_err() || build(&i).unwrap().findings.iter().all(|f| f.check != "went-back"));
}
