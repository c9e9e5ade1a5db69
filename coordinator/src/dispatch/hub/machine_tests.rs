//! Two machines under one name, through the hub: which one is refused, which one stays, and what is reported.

use super::tests::{Lab, facts, hello, lab_over};
use crate::dispatch::Agents as _;
use crate::testing::{Fleet, name};
use podlift_engine::machine::Event;
use podlift_model::NodeFacts;
use podlift_proto::v1;
use serde_json::json;
use std::time::Duration;
use tonic::Code;

const NODE: &str = "/api/v1/nodes/dgx030";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/dgx030";

fn from(machine: &str, boot: &str) -> v1::Hello {
    v1::Hello { machine: machine.into(), boot: boot.into(), ..hello("dgx030", "l1") }
}

/// The kubelet of `machine` is registered.
fn registered(lab: &Lab, machine: &str, ready: &str) {
    let object = json!({"metadata": {"name": "dgx030", "labels": {}}, "status": {
        "nodeInfo": {"machineID": machine, "bootID": "of-kubelet"},
        "addresses": [{"type": "InternalIP", "address": "10.1.0.30"}],
        "conditions": [{"type": "Ready", "status": ready}]}});
    lab.fleet.lock().objects.single.insert(NODE.into(), object);
}

async fn refused(lab: &Lab, hello: v1::Hello) -> tonic::Status {
    lab.attach("node/dgx030", hello).await.expect_err("it was taken")
}

async fn taken(lab: &Lab, hello: v1::Hello) -> super::tests::Played {
    let mut played = lab.attach("node/dgx030", hello).await.unwrap();
    played.next().await.expect("a Welcome");
    played
}

#[tokio::test(start_paused = true)]
async fn a_second_live_machine_is_refused_and_the_first_stays_connected() {
    let lab = lab_over(Fleet::new());
    let _first = taken(&lab, from("m1", "b1")).await;
    for _ in 0..5 {
        let status = refused(&lab, from("m2", "b2")).await;
        assert_eq!(status.code(), Code::AlreadyExists);
        assert!(status.message().contains("m1 (boot b1)") && status.message().contains("m2 (boot b2)"));
    }
    assert!(lab.hub.ledger(&name("dgx030")).is_some(), "the first one is there");
    let records = lab.journal.records();
    assert_eq!(records.len(), 2, "one record of it, and not one for each attempt");
    let Event::MachineRefused { first, second, .. } = &records[1].event else { panic!("{records:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("m1 (boot b1)", "m2 (boot b2)"));
    assert_eq!(lab.hub.times_refused(&name("dgx030")), 5);
    let said = lab.hub.refused()[&name("dgx030")].clone();
    assert!(said.contains("machine m2 (boot b2) reports itself as node dgx030"), "{said}");
    // The reconnect of the first machine neither admits nor hides the second one.
    let _again = taken(&lab, from("m1", "b1")).await;
    assert_eq!(refused(&lab, from("m2", "b2")).await.code(), Code::AlreadyExists);
    assert!(lab.hub.refused().contains_key(&name("dgx030")));
    lab.advance(Duration::from_secs(901)).await;
    assert!(lab.hub.refused().is_empty(), "one that does not come again is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_clone_with_the_same_machine_id_is_told_by_its_boot() {
    let lab = lab_over(Fleet::new());
    let first = taken(&lab, from("m1", "b1")).await;
    assert_eq!(refused(&lab, from("m1", "b2")).await.code(), Code::AlreadyExists);
    // The same machine after a power cut: its old session is no longer heard.
    lab.advance(Duration::from_secs(16)).await;
    let _rebooted = taken(&lab, from("m1", "b2")).await;
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_imaged_anew_is_taken_unless_the_old_machine_lives() {
    let lab = lab_over(Fleet::new());
    drop(taken(&lab, from("m1", "b1")).await);
    lab.settle().await;
    registered(&lab, "m1", "True");
    let status = refused(&lab, from("m2", "b2")).await;
    assert!(status.message().contains("its kubelet at 10.1.0.30 is Ready"), "{}", status.message());
    // The node is Ready, but its lease is not renewed: its machine is gone, and the controller has not noticed.
    let old = json!({"spec": {"renewTime": "2026-11-22T01:58:00.000000Z"}});
    lab.fleet.lock().objects.single.insert(LEASE.into(), old);
    drop(taken(&lab, from("m2", "b2")).await);
    lab.settle().await;
    let fresh = json!({"spec": {"renewTime": "2026-11-22T01:59:55.000000Z"}});
    lab.fleet.lock().objects.single.insert(LEASE.into(), fresh);
    assert_eq!(refused(&lab, from("m3", "b3")).await.code(), Code::AlreadyExists);
    registered(&lab, "m1", "Unknown");
    let _anew = taken(&lab, from("m3", "b3")).await;
}

#[tokio::test(start_paused = true)]
async fn at_the_start_the_node_object_knows_which_machine_is_the_node() {
    let lab = lab_over(Fleet::new());
    registered(&lab, "m1", "True");
    assert_eq!(refused(&lab, from("m2", "b2")).await.code(), Code::AlreadyExists);
    let _own = taken(&lab, from("m1", "b1")).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_api_is_away_a_known_machine_comes_back_and_another_one_only_after_silence() {
    let lab = lab_over(Fleet::new());
    lab.fleet.lock().api_down = true;
    drop(taken(&lab, from("m1", "b1")).await);
    lab.settle().await;
    drop(taken(&lab, from("m1", "b2")).await);
    lab.settle().await;
    assert!(refused(&lab, from("m2", "b9")).await.message().contains("the cluster can't tell"));
    lab.advance(Duration::from_secs(601)).await;
    let _anew = taken(&lab, from("m2", "b9")).await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_tells_no_machine_is_taken_as_before() {
    let lab = lab_over(Fleet::new());
    let _first = taken(&lab, from("m1", "b1")).await;
    let _old = taken(&lab, from("", "")).await;
    let facts = NodeFacts { machine: Some("m7".parse().unwrap()), ..facts("dgx030", "l1") };
    let told = v1::Hello {
        facts: Some(podlift_common::wire::to_document("podlift.facts/v1", &facts)),
        ..from("", "b7")
    };
    let _by_facts = taken(&lab, told).await;
    assert_eq!(refused(&lab, from("m8", "b8")).await.code(), Code::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn sessions_of_one_certificate_are_limited_and_others_are_not() {
    let lab = lab_over(Fleet::new());
    for _ in 0..20 {
        drop(taken(&lab, from("m1", "b1")).await);
    }
    let status = refused(&lab, from("m1", "b1")).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("dgx030"), "{}", status.message());
    lab.attach("node/dgx031", hello("dgx031", "l2")).await.unwrap();
    lab.advance(Duration::from_secs(1)).await;
    drop(taken(&lab, from("m1", "b1")).await);
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_changes_at_each_hello_does_not_fill_the_journal() {
    let lab = lab_over(Fleet::new());
    let mut refusals = 0;
    for n in 0..40 {
        lab.advance(Duration::from_secs(1)).await;
        let hello = v1::Hello { ledger: format!("l{n}"), ..from("m1", "b1") };
        refusals += u32::from(lab.attach("node/dgx030", hello).await.is_err());
    }
    assert_eq!((refusals, lab.journal.records().len()), (30, 10));
    assert!(
        lab.journal
            .records()
            .iter()
            .all(|r| matches!(r.event, Event::AgentConnected { .. } | Event::LedgerChanged { .. }))
    );
}
