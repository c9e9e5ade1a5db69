//! Records of the journal, chained by hash: each names the hash of the one before, so an altered, missing or foreign record is seen.
//! hash = SHA-256 of the JSON of (seq, at, run, epoch, prev, event).

use super::event::Event;
use jiff::Timestamp;
use podlift_model::{Digest, Epoch, RunId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names the form of a record as a document.
pub const EVENT_SCHEMA: &str = "podlift.event/v1";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// From 1, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    /// None: about the fleet, not about a run.
    pub run: Option<RunId>,
    /// Of the coordinator that wrote it; None before it had one.
    pub epoch: Option<Epoch>,
    #[serde(flatten)]
    pub event: Event,
    pub prev: Digest,
    pub hash: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("journal record {seq} is missing: the journal goes from {last} to {found}")]
    Gap { seq: u64, last: u64, found: u64 },
    #[error("journal record {seq} does not follow the one before it: its predecessor's hash differs")]
    Broken { seq: u64 },
    #[error("journal record {seq} was altered: its content does not have its hash")]
    Altered { seq: u64 },
    #[error("the journal ends at record {found}, its head says {expected}: the tail is lost")]
    Truncated { found: u64, expected: u64 },
}

/// What the first record names as its predecessor.
pub fn genesis() -> Digest {
    Digest::of("podlift journal v1")
}

/// Makes the record that follows `last`.
pub fn seal(
    last: Option<&Record>,
    at: Timestamp,
    run: Option<RunId>,
    epoch: Option<Epoch>,
    event: Event,
) -> Record {
    let (seq, prev) = last.map_or((1, genesis()), |r| (r.seq + 1, r.hash.clone()));
    let hash = hash(seq, at, &run, &epoch, &prev, &event);
    Record { seq, at, run, epoch, event, prev, hash }
}

/// Checks the chain of all records from the first; `head` is the number of the last one where that is known from elsewhere.
pub fn verify(records: &[Record], head: Option<u64>) -> Result<(), ChainError> {
    let (mut last, mut prev) = (0, genesis());
    for r in records {
        if r.seq != last + 1 {
            return Err(ChainError::Gap { seq: last + 1, last, found: r.seq });
        }
        if r.prev != prev {
            return Err(ChainError::Broken { seq: r.seq });
        }
        if r.hash != hash(r.seq, r.at, &r.run, &r.epoch, &r.prev, &r.event) {
            return Err(ChainError::Altered { seq: r.seq });
        }
        (last, prev) = (r.seq, r.hash.clone());
    }
    match head {
        Some(expected) if expected != last => Err(ChainError::Truncated { found: last, expected }),
        _ => Ok(()),
    }
}

fn hash(
    seq: u64,
    at: Timestamp,
    run: &Option<RunId>,
    epoch: &Option<Epoch>,
    prev: &Digest,
    event: &Event,
) -> Digest {
    Digest::of(serde_json::to_vec(&(seq, at, run, epoch, prev, event)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// One of each, with what is hardest to read back.
    fn every_event() -> Vec<Event> {
        use crate::machine::StopReason;
        use crate::steps::Evidence;
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
        let plan = Box::new(crate::plan::build(&input()).unwrap());
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
        let outcome =
            OpOutcome::Failed { failure: podlift_model::Failure::operator("x", "y").with_detail("z") };
        let evidence = Evidence::BackupSealed { hash: Digest::of("x"), revision: 4107, what: "w".into() };
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
            Event::RunPaused { reason, by: None },
            Event::RunResumed { by: by() },
            Event::RetryAsked { step: Some(step), by: by() },
            Event::WaiverLifted { check: "flag-loss".into(), by: by() },
            Event::NodeDeferred { node: name("dgx030"), reason: "dead".into(), by: by() },
            Event::AbortAsked { by: by(), reason: "r".into() },
            Event::RunAborted { undone: vec!["a".into()], left: vec![] },
            Event::RunSucceeded,
            Event::Healed { heal },
            Event::ApiDown { endpoint: "vip".into(), why: "w".into() },
            Event::ApiUp { endpoint: "vip".into(), milliseconds: 5 },
            Event::AgentConnected { node: name("dgx030"), ledger: ledger.clone() },
            Event::AgentLost { node: name("dgx030") },
            Event::LedgerChanged { node: name("dgx030"), before: ledger.clone(), now: ledger },
            Event::RunsAdopted { runs: vec![RunId::new("r1").unwrap()], by: by() },
        ]
    }

    #[test]
    fn every_event_survives_json_in_a_record_and_keeps_its_hash() {
        let epoch = Epoch { number: 3, instance: podlift_model::InstanceId::new("i0").unwrap() };
        let mut records: Vec<Record> = vec![];
        for event in every_event() {
            let record = seal(
                records.last(),
                Timestamp::UNIX_EPOCH,
                RunId::new("r1").ok(),
                Some(epoch.clone()),
                event,
            );
            records.push(record);
        }
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
}
