//! The agent of a head node: it is asked by its name, and appears in no list of nodes.

use super::tests::{Lab, Played, epoch, facts, hello, lab, lab_over, op};
use crate::dispatch::Agents as _;
use crate::testing::{Fleet, name};
use podlift_common::wire;
use podlift_model::bcm::{BcmOp, ImageName};
use podlift_model::{HostOp, Look, NodeFacts, OpOutcome, OpOutput};
use podlift_proto::v1::{self, from_agent, lookup_reply, op_report, to_agent};
use std::sync::Arc;
use tonic::Code;

/// A head node has no manifests.
fn hello_of_head() -> v1::Hello {
    let facts = NodeFacts { manifests: vec![], ..facts("head-01", "led-h") };
    v1::Hello {
        runs: vec!["r1".into()],
        facts: Some(wire::to_document("podlift.facts/v1", &facts)),
        ..hello("head-01", "led-h")
    }
}

#[tokio::test]
async fn a_head_node_is_asked_by_its_name_and_stands_among_no_nodes() {
    let lab = lab();
    let mut played = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
    assert_eq!(lab.hub.ledger(&name("head-01")).unwrap().as_str(), "led-h");
    assert!(lab.hub.seen().is_empty(), "it is no node");
    assert!(lab.hub.runs().is_empty(), "what it remembers of runs is of no account");
    let hub = lab.hub.clone();
    let asked = tokio::spawn(async move { hub.observe(&name("head-01"), &Look::BcmVersions).await });
    let op = played.op().await;
    let output = OpOutput::BcmVersions(vec!["1.32".parse().unwrap()]);
    let outcome = wire::outcome_to_wire(&OpOutcome::Done { output: output.clone() });
    played.report(&op, op_report::State::Outcome(outcome)).await;
    assert_eq!(asked.await.unwrap(), Ok(output));
}

#[tokio::test]
async fn a_head_node_has_certificates_like_a_node() {
    let lab = lab();
    let mut played = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
    let hub = lab.hub.clone();
    let asked = tokio::spawn(async move { hub.observe(&name("head-01"), &Look::Certificates).await });
    let op = played.op().await;
    let output = OpOutput::Certificates(Default::default());
    let outcome = wire::outcome_to_wire(&OpOutcome::Done { output: output.clone() });
    played.report(&op, op_report::State::Outcome(outcome)).await;
    assert_eq!(asked.await.unwrap(), Ok(output));
}

/// Plays the answer to a claim.
async fn claimed(lab: &Lab, played: &mut Played) {
    let hub = lab.hub.clone();
    let claim = tokio::spawn(async move { hub.claim(&name("head-01"), &epoch()).await });
    let Some(to_agent::Kind::ClaimEpoch(asked)) = played.next().await else { panic!("expected a claim") };
    let reply = v1::EpochReply { request: asked.request, accepted: true, highest: asked.epoch };
    played.say(from_agent::Kind::EpochReply(reply)).await;
    assert_eq!(claim.await.unwrap(), Ok(true));
}

fn locks() -> HostOp {
    HostOp::Bcm(BcmOp::ImageLock { image: ImageName::new("dgx-image").unwrap() })
}

#[tokio::test(start_paused = true)]
async fn an_op_of_bcm_runs_at_the_head_node_across_sessions() {
    let lab = lab();
    let mut played = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
    claimed(&lab, &mut played).await;
    assert_eq!(lab.hub.epoch(&name("head-01")), Some(epoch()));
    let hub = lab.hub.clone();
    let runs = async move { hub.run(&name("head-01"), &op(), &epoch(), &locks(), Arc::new(|_| {})).await };
    let running = tokio::spawn(runs);
    let asked = played.op().await;
    assert_eq!(wire::request_from_wire(&asked.op.clone().unwrap()), Ok(wire::HostRequest::Op(locks())));
    drop(played);
    let mut played = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
    let done = OpOutcome::changed("locked");
    played.answer_lookup("led-h", lookup_reply::State::Ended, Some(&done)).await;
    assert_eq!(running.await.unwrap(), Ok(done));
}

#[tokio::test(start_paused = true)]
async fn a_node_runs_no_op_of_bcm_and_a_head_node_no_other() {
    let lab = lab();
    let _node = lab.connect("led-1").await;
    let _head = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    for (at, of, refused) in [
        ("dgx030", locks(), "certificate of a node, expected that of a head node"),
        ("head-01", HostOp::AptUpdate, "certificate of a head node, expected that of a node"),
    ] {
        let ran = lab.hub.run(&name(at), &op(), &epoch(), &of, Arc::new(|_| {})).await.unwrap_err();
        assert!(ran.message.contains(refused), "{at}: {}", ran.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_look_has_a_limit_of_its_own() {
    let lab = lab();
    let _head = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    let begin = tokio::time::Instant::now();
    let look = Look::BcmImage { image: ImageName::new("dgx-image").unwrap() };
    let silent = lab.hub.observe(&name("head-01"), &look).await.unwrap_err();
    assert!(silent.message.contains("did not answer within 900 s"), "{}", silent.message);
    assert_eq!(begin.elapsed().as_secs(), 900);
}

#[tokio::test]
async fn heals_of_a_head_node_are_not_journaled() {
    let lab = lab();
    let mut played = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    assert!(matches!(played.next().await, Some(to_agent::Kind::Welcome(_))));
    let before = lab.journal.records().len();
    played.say(from_agent::Kind::HealReport(v1::HealReport { id: "h1".into(), heal: None })).await;
    lab.settle().await;
    assert_eq!(lab.journal.records().len(), before);
}

#[tokio::test]
async fn no_name_is_a_head_node_and_a_node() {
    let lab = lab();
    let _head = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    let refused = lab.attach("node/head-01", hello("head-01", "led-n")).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("the agent of a head node of that name is connected"), "{refused}");
    let _node = lab.connect("led-1").await;
    let refused = lab.attach("head/dgx030", hello("dgx030", "led-2")).await.err().unwrap();
    assert!(refused.message().contains("a node's agent of that name is connected"), "{refused}");
}

#[tokio::test]
async fn a_node_never_answers_for_bcm() {
    let lab = lab();
    let _node = lab.connect("led-1").await;
    let refused = lab.hub.observe(&name("dgx030"), &Look::BcmVersions).await.unwrap_err();
    assert!(
        refused.message.contains("certificate of a node, expected that of a head node"),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn a_head_node_that_has_a_nodes_name_is_put_out_when_the_cluster_says_so() {
    let lab = lab();
    let _head = lab.attach("head/head-01", hello_of_head()).await.unwrap();
    lab.hub.learn_roles(&[(name("head-01"), true)].into());
    let gone = lab.hub.observe(&name("head-01"), &Look::BcmVersions).await.unwrap_err();
    assert!(gone.message.contains("it is not connected"), "{}", gone.message);
    assert!(lab.attach("node/head-01", hello("head-01", "led-n")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_head_node_has_no_name_of_the_cluster() {
    let lab = lab_over(Fleet::new());
    lab.hub.learn_roles(&[(name("dgx030"), false)].into());
    let refused = lab.attach("head/dgx030", hello("dgx030", "led-2")).await.err().unwrap();
    assert!(refused.message().contains("the cluster has a node of that name"), "{refused}");
}
