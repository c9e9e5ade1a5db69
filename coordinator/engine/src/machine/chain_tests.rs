//! The chain: each kind of damage is detected, every event survives JSON, and older journals can be read.

use super::*;
use crate::issues::{Fact, IssueName, Mend, Writer, WriterSource};
use crate::program::Severity;
use std::collections::BTreeSet;

fn records(n: usize) -> Vec<Record> {
    let mut out: Vec<Record> = vec![];
    for i in 0..n {
        let event = Event::ApiUp { endpoint: "10.77.0.11:6443".into(), milliseconds: i as u64 };
        out.push(seal(out.last(), Timestamp::UNIX_EPOCH, None, None, event));
    }
    out
}

#[test]
fn every_damage_is_seen() {
    let good = records(5);
    assert_eq!(verify(&good, Some(5)), Ok(()));
    assert_eq!(verify(&[], None), Ok(()));
    let mut altered = good.clone();
    altered[2].event = Event::RunSucceeded;
    assert_eq!(verify(&altered, None), Err(ChainError::Altered { seq: 3 }));
    let mut cut = good.clone();
    cut.remove(2);
    assert_eq!(verify(&cut, None), Err(ChainError::Gap { seq: 3, last: 2, found: 4 }));
    assert_eq!(verify(&good[..3], Some(5)), Err(ChainError::Truncated { found: 3, expected: 5 }));
    let mut forged = good.clone();
    forged[2] = seal(None, Timestamp::UNIX_EPOCH, None, None, Event::RunSucceeded);
    forged[2].seq = 3;
    assert_eq!(verify(&forged, None), Err(ChainError::Broken { seq: 3 }));
}

/// One event of each kind, with the content that is hardest to read back.
fn every_event() -> Vec<Event> {
    use crate::machine::{ProbeKind, Probed};
    use crate::program::{Evidence, StopReason};
    use crate::testing::{input, name};
    use podlift_model::{LedgerId, OpId, OpOutcome, StepId};
    let by = || "ann".to_string();
    let (step, op_id) =
        (StepId::new("control-plane/runai-01/kubeadm-apply").unwrap(), OpId::new("r1-s0001-a1").unwrap());
    let ledger = LedgerId::new("l1").unwrap();
    let epoch = Epoch { number: 7, instance: podlift_model::InstanceId::new("i1").unwrap() };
    let reason = StopReason {
        code: "c".into(),
        message: "m".into(),
        detail: "d".into(),
        undone: "u".into(),
        next: "n".into(),
    };
    let plan = Box::new(crate::goals::upgrade::build(&input()).unwrap());
    let heal = podlift_model::heal::HealEvent {
        id: "h1".into(),
        node: name("runai-01"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: Timestamp::UNIX_EPOCH,
        latency_us: 900,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: "-a\n+b\n".into(),
    };
    let outcome = OpOutcome::Failed { failure: podlift_model::Failure::operator("x", "y").with_detail("z") };
    let evidence =
        Evidence::BackupSealed { hash: Digest::of("x"), revision: 4107, what: "w".into(), backup: None };
    vec![
        Event::EpochClaimed { epoch, acknowledged: vec![name("runai-01")] },
        Event::RunStarted { plan, by: by() },
        Event::StepStarted {
            step: step.clone(),
            attempt: 2,
            op_id: op_id.clone(),
            ledger: Some(ledger.clone()),
        },
        Event::OpEnded { step: step.clone(), op_id, outcome },
        Event::StepWaiting { step: step.clone(), reason: "r".into() },
        Event::StepDone { step: step.clone(), evidence },
        Event::StepFailed { step: step.clone(), reason: reason.clone() },
        Event::EarlierLost { step: step.clone(), again: vec!["apt-source".into()], reason: "w".into() },
        Event::RunPaused { reason, by: None, now: false },
        Event::RunResumed { by: by() },
        Event::Approved { by: by(), what: "Workers (workers)".into() },
        Event::RetryAsked { step: Some(step), by: by(), repair_dpkg: false },
        Event::WaiverLifted { check: "flag-loss".into(), by: by() },
        Event::NodeDeferred { node: name("dgx030"), reason: "dead".into(), by: by(), until: None },
        Event::NodeIncluded { node: name("dgx030"), by: by() },
        Event::AbortAsked { by: by(), reason: "r".into() },
        Event::RunAborted { undone: vec!["a".into()], left: vec![] },
        Event::RunSucceeded,
        Event::Healed { heal },
        Event::ApiDown { endpoint: "vip".into(), why: "w".into() },
        Event::ApiUp { endpoint: "vip".into(), milliseconds: 5 },
        Event::ApiProbed {
            endpoint: "vip".into(),
            kind: ProbeKind::Write,
            counts: Probed { requests: 9, failed: 2, longest_gap_ms: 150, why: "w".into() },
        },
        Event::AgentConnected { node: name("dgx030"), ledger: ledger.clone() },
        Event::AgentLost { node: name("dgx030") },
        Event::LedgerChanged { node: name("dgx030"), before: ledger.clone(), now: ledger },
        Event::MachineRefused {
            node: name("dgx030"),
            first: "m1 (boot b1)".into(),
            second: "m2 (boot b2)".into(),
            why: "w".into(),
        },
        Event::RunsAdopted { runs: vec![RunId::new("r1").unwrap()], by: by() },
        Event::Attested { name: "rollback-reviewed".into(), by: by(), note: "n".into() },
        Event::NodeAsked {
            node: name("runai-01"),
            op_id: OpId::new("heal-1").unwrap(),
            op: podlift_model::HostOp::HealApply { component: podlift_model::op::Component::KubeApiserver },
            by: by(),
        },
        Event::NodeAnswered {
            node: name("runai-01"),
            op_id: OpId::new("heal-1").unwrap(),
            outcome: OpOutcome::changed("1 repairs"),
        },
        Event::BackupMade {
            name: "before-the-night".into(),
            sha256: podlift_model::Digest::of("s"),
            by: by(),
            bytes: 7,
        },
        Event::RunsArchived {
            file: "r1.jsonl".into(),
            sha256: podlift_model::Digest::of("f"),
            before: Timestamp::UNIX_EPOCH,
            runs: vec![crate::machine::ArchivedRun {
                run: RunId::new("r1").unwrap(),
                status: "aborted".into(),
                by: by(),
                started: Timestamp::UNIX_EPOCH,
                ended: Timestamp::UNIX_EPOCH,
                ended_seq: 9,
                records: 8,
                chain: podlift_model::Digest::of("c"),
                backup: Some(podlift_model::Digest::of("s")),
            }],
            by: by(),
        },
        Event::ItemApproved { item: "tigera-removal".into(), by: by() },
        Event::ItemRefused { item: "service-restore".into(), reason: "r".into(), by: by() },
        Event::ObjectLost {
            object: "service runai/runai-proxy".into(),
            issue: IssueName::LoadBalancers,
            what: "it is gone".into(),
            by: Some(Writer {
                name: "helm".into(),
                at: Some(Timestamp::UNIX_EPOCH),
                source: WriterSource::ManagedFields,
            }),
        },
        Event::MendStarted {
            object: "service runai/runai-proxy".into(),
            issue: IssueName::LoadBalancers,
            mend: Mend::RestoreService { namespace: "runai".into(), name: "runai-proxy".into() },
        },
        Event::MendEnded {
            object: "service runai/runai-proxy".into(),
            issue: IssueName::LoadBalancers,
            result: Ok("created again".into()),
            milliseconds: 900,
        },
        Event::SentinelSaw {
            key: "drift/kubeadm-config".into(),
            issue: Some(IssueName::EtcdServers),
            severity: Severity::Warning,
            what: "w".into(),
            evidence: vec![Fact::new("no endpoints", "ConfigMap kube-system/kubeadm-config")],
            next: "podlift repair".into(),
        },
        Event::SentinelCleared { key: "drift/kubeadm-config".into(), what: "repaired".into() },
        Event::ReportNote { text: "t".into(), by: by() },
    ]
}

fn one_of_each() -> Vec<Record> {
    let epoch = Epoch { number: 3, instance: podlift_model::InstanceId::new("i0").unwrap() };
    let mut records: Vec<Record> = vec![];
    for event in every_event() {
        let run = RunId::new("r1").ok();
        records.push(seal(records.last(), Timestamp::UNIX_EPOCH, run, Some(epoch.clone()), event));
    }
    records
}

/// A journal that podlift 0.1.0 wrote. It is frozen: a new kind of event is appended at its end, and nothing else changes. A new field of
/// an event must be omitted when it is empty, because otherwise every older journal would count as altered.
#[test]
fn a_journal_from_before_is_read_and_verified() {
    let text = include_str!("fixtures/journal-0.1.0.jsonl");
    let read: Vec<Record> =
        text.lines().map(|t| serde_json::from_str(t).unwrap_or_else(|e| panic!("{e}: {t}"))).collect();
    assert_eq!(verify(&read, Some(read.len() as u64)), Ok(()));
    let names = |events: &mut dyn Iterator<Item = &Event>| events.map(Event::name).collect::<BTreeSet<_>>();
    let all = every_event();
    assert_eq!(names(&mut read.iter().map(|r| &r.event)), names(&mut all.iter()), "every kind is in it");
}

#[test]
fn every_event_survives_json_in_a_record_and_keeps_its_hash() {
    let records = one_of_each();
    let texts: Vec<String> = records.iter().map(|r| serde_json::to_string(r).unwrap()).collect();
    let read: Vec<Record> =
        texts.iter().map(|t| serde_json::from_str(t).unwrap_or_else(|e| panic!("{e}: {t}"))).collect();
    assert_eq!(read, records);
    assert_eq!(verify(&read, Some(records.len() as u64)), Ok(()));
}

#[test]
fn records_survive_json() {
    for r in records(2) {
        let text = serde_json::to_string(&r).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), r);
    }
}
