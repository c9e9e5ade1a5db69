//! Limits on what an agent may send, and their effects: heals, alarms, parts of a backup, oversized texts.

use super::tests::{Lab, ended, epoch, facts, hello, lab};
use crate::dispatch::Agents as _;
use crate::testing::name;
use podlift_common::wire;
use podlift_engine::machine::Event;
use podlift_model::Look;
use podlift_model::heal::HealEvent;
use podlift_model::*;
use podlift_proto::v1::{self, from_agent, op_report, to_agent};
use std::time::Duration;

fn heal(node: &str, id: &str) -> v1::HealReport {
    let heal = HealEvent {
        id: id.into(),
        node: name(node),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: jiff::Timestamp::UNIX_EPOCH,
        latency_us: 900,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: "-a\n+b\n".into(),
    };
    v1::HealReport { id: id.into(), heal: Some(wire::to_document("podlift.heal/v1", &heal)) }
}

impl Lab {
    fn heals(&self) -> usize {
        self.journal.records().into_iter().filter(|r| matches!(r.event, Event::Healed { .. })).count()
    }
}

#[tokio::test(start_paused = true)]
async fn more_heals_than_any_agent_makes_are_left_with_it_and_not_journaled() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let reader = tokio::spawn(async move {
        for n in 0..100 {
            agent.say(from_agent::Kind::HealReport(heal("dgx030", &format!("h{n}")))).await;
        }
        let mut acks = 0;
        while let Ok(Some(to_agent::Kind::HealAck(_))) =
            tokio::time::timeout(Duration::from_secs(1), agent.next()).await
        {
            acks += 1;
        }
        // Later the agent resends what was not acknowledged.
        tokio::time::sleep(Duration::from_secs(60)).await;
        agent.say(from_agent::Kind::HealReport(heal("dgx030", "h99"))).await;
        let late = tokio::time::timeout(Duration::from_secs(1), agent.next()).await;
        (acks, matches!(late, Ok(Some(to_agent::Kind::HealAck(ack))) if ack.id == "h99"))
    });
    assert_eq!(reader.await.unwrap(), (60, true));
    assert_eq!(lab.heals(), 61);
}

#[tokio::test(start_paused = true)]
async fn heals_that_cannot_be_are_neither_journaled_nor_acknowledged() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let changed = |change: &dyn Fn(&mut HealEvent)| {
        let mut report = heal("dgx030", "h1");
        let mut event: HealEvent = serde_json::from_str(&report.heal.as_ref().unwrap().json).unwrap();
        change(&mut event);
        report.heal = Some(wire::to_document("podlift.heal/v1", &event));
        report.id = event.id;
        report
    };
    for report in [
        heal("dgx031", "h1"),
        changed(&|e| e.file = "../../etc/shadow".into()),
        changed(&|e| e.file = String::new()),
        changed(&|e| e.id = "a b".into()),
        changed(&|e| e.rules = vec!["r".into(); 33]),
        changed(&|e| e.diff = "x".repeat((32 << 10) + 1)),
        v1::HealReport { id: "h2".into(), ..heal("dgx030", "h1") },
    ] {
        agent.say(from_agent::Kind::HealReport(report.clone())).await;
        let answer = tokio::time::timeout(Duration::from_secs(1), agent.next()).await;
        assert!(answer.is_err(), "{report:?}");
    }
    assert_eq!(lab.heals(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_nodes_heal_hides_no_other_nodes() {
    let lab = lab();
    for node in ["dgx030", "dgx031"] {
        let peer = format!("node/{node}");
        let mut agent = lab.attach(&peer, hello(node, &format!("l-{node}"))).await.unwrap();
        agent.next().await;
        agent.say(from_agent::Kind::HealReport(heal(node, "the-same-id"))).await;
        assert!(matches!(agent.next().await, Some(to_agent::Kind::HealAck(_))));
    }
    assert_eq!(lab.heals(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_says_of_control_plane_files_is_an_alarm() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    lab.hub.told_roles(&[(name("dgx030"), false), (name("runai-01"), true)].into());
    agent.say(from_agent::Kind::HealReport(heal("dgx030", "h1"))).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), agent.next()).await.is_err());
    assert_eq!((lab.heals(), lab.hub.refused().len()), (0, 0));
    let manifests = lab.fleet.lock().facts[&name("runai-01")].manifests.clone();
    let said = NodeFacts { manifests, ..facts("dgx030", "l1") };
    let said = Some(wire::to_document("podlift.facts/v1", &said));
    agent.say(from_agent::Kind::Heartbeat(v1::Heartbeat { sequence: 1, facts: said })).await;
    lab.settle().await;
    let why = lab.hub.refused()[&name("dgx030")].clone();
    assert!(why.contains("the cluster calls it a worker") && why.contains("kube-apiserver.yaml"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_backup_are_asked_for_under_the_epoch_that_is_held() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let look = Look::BackupPart { path: "/etc/kubernetes/admin.conf".into(), offset: 0, recipients: vec![] };
    let none = lab.hub.observe(&name("dgx030"), &look).await.unwrap_err();
    assert_eq!(none.code, "no-epoch");
    lab.store.set_epoch(Some(epoch()));
    let (hub, wanted) = (lab.hub.clone(), look.clone());
    let asking = tokio::spawn(async move { hub.observe(&name("dgx030"), &wanted).await });
    assert_eq!(agent.op().await.epoch, Some(wire::epoch_to_wire(&epoch())));
    asking.abort();
    let hub = lab.hub.clone();
    let asking = tokio::spawn(async move { hub.observe(&name("dgx030"), &Look::BackupFiles).await });
    assert_eq!(agent.op().await.epoch, None, "nothing else needs it");
    asking.abort();
}

#[tokio::test(start_paused = true)]
async fn a_word_too_large_for_the_journal_ends_its_op_as_not_known() {
    let lab = lab();
    let mut agent = lab.connect("l1").await;
    let running = lab.run();
    let asked = agent.op().await;
    for n in 0..500 {
        agent.report(&asked, op_report::State::Progress(format!("{n} {}", "x".repeat(1 << 16)))).await;
    }
    agent.report(&asked, ended(&OpOutcome::changed("x".repeat(1 << 20)))).await;
    let outcome = running.await.unwrap().unwrap();
    assert!(
        matches!(&outcome, OpOutcome::Indeterminate { why } if why.contains("at most 262144 are accepted"))
    );
}
