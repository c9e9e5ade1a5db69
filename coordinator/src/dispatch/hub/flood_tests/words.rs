//! Messages of a malicious agent: every kind, extreme numbers, names of other nodes, documents that are almost valid, and now and then a
//! message as large as the wire accepts.

use super::super::tests::{facts, hello};
use super::WORKER;
use podlift_common::wire;
use podlift_model::{Digest, NodeFacts};
use podlift_proto::v1::{self, from_agent::Kind, lookup_reply, op_report, to_agent};
use proptest::collection::vec;
use proptest::prelude::*;

const KNOWN: &[&str] = &[
    "l1",
    "l2",
    "dgx031",
    "runai-01",
    "r1",
    "r1-s0001-a1",
    "one",
    "../../x",
    "",
    "h1",
    "kube-apiserver.yaml",
];
const FIELDS: &[&str] = &[
    "node",
    "boot",
    "ledger",
    "agent_version",
    "manifests",
    "running",
    "patches",
    "free_bytes",
    "guard",
    "machine",
];

/// A message, and whether it answers the last question.
#[derive(Debug, Clone)]
pub struct Said {
    kind: Kind,
    aimed: bool,
}

impl Said {
    /// The message to send first: a Hello of its own, or a valid one.
    pub fn hello(&self) -> v1::Hello {
        match &self.kind {
            Kind::Hello(said) => said.clone(),
            _ => hello(WORKER, "l1"),
        }
    }

    pub fn message(&self, asked: Option<&v1::ToAgent>) -> v1::FromAgent {
        let mut kind = self.kind.clone();
        let (request, id) = match asked.and_then(|a| a.kind.as_ref()) {
            Some(to_agent::Kind::RunOp(op)) => (op.request, op.op_id.clone()),
            Some(to_agent::Kind::Lookup(lookup)) => (lookup.request, lookup.op_id.clone()),
            _ => (0, "r1-s0001-a1".into()),
        };
        match &mut kind {
            Kind::OpReport(report) if self.aimed => (report.request, report.op_id) = (request, id),
            Kind::LookupReply(reply) if self.aimed => reply.request = request,
            Kind::EpochReply(reply) if self.aimed => reply.request = request,
            _ => {}
        }
        v1::FromAgent { kind: Some(kind) }
    }
}

pub fn sequence() -> BoxedStrategy<Vec<Said>> {
    vec(said(), 1..16).boxed()
}

fn said() -> BoxedStrategy<Said> {
    let kind = prop_oneof![
        4 => hellos().prop_map(Kind::Hello),
        3 => heartbeats().prop_map(Kind::Heartbeat),
        4 => op_reports().prop_map(Kind::OpReport),
        3 => heal_reports().prop_map(Kind::HealReport),
        1 => (number(), any::<bool>(), epoch())
            .prop_map(|(request, accepted, highest)| Kind::EpochReply(v1::EpochReply { request, accepted, highest })),
        2 => (number(), text(), any::<i32>(), proptest::option::of(outcome())).prop_map(|(request, ledger, state, outcome)| {
            let state = if state % 2 == 0 { lookup_reply::State::Ended as i32 } else { state };
            Kind::LookupReply(v1::LookupReply { request, ledger, state, outcome })
        }),
    ];
    (kind, any::<bool>()).prop_map(|(kind, aimed)| Said { kind, aimed }).boxed()
}

fn number() -> BoxedStrategy<u64> {
    prop_oneof![0..40_u64, any::<u64>(), Just(u64::MAX)].boxed()
}

/// Valid names, names of other nodes, and invalid names; rarely long, and very rarely as long as the wire accepts.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        400 => prop::sample::select(KNOWN).prop_map(String::from),
        200 => any::<String>(),
        10 => (1..200_000_usize).prop_map(|n| "x".repeat(n)),
        1 => Just("y".repeat(8 << 20)),
    ]
    .boxed()
}

fn epoch() -> BoxedStrategy<Option<v1::Epoch>> {
    proptest::option::of((number(), text()).prop_map(|(number, instance)| v1::Epoch { number, instance }))
        .boxed()
}

fn document(
    kind: &'static str,
    json: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<v1::Document> {
    let kind = prop_oneof![9 => Just(kind.to_string()), 1 => text()];
    (kind, json).prop_map(|(kind, json)| v1::Document { kind, json }).boxed()
}

/// An empty document, or an invalid one.
fn garbage() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        (1..5_000_usize).prop_map(|n| "[".repeat(n)),
        (1..5_000_usize).prop_map(|n| "{\"a\":".repeat(n)),
        (1..100_000_usize)
            .prop_map(|n| format!("{{\"node\":\"dgx030\",\"running\":[{}\"\"]}}", "\"\",".repeat(n))),
        Just("null".into()),
    ]
    .boxed()
}

/// Facts in which one field is replaced by something else.
fn facts_json() -> BoxedStrategy<String> {
    let value = prop_oneof![
        text().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        Just(serde_json::json!([{}])),
        Just(serde_json::json!(null)),
    ];
    let changed = (prop::sample::select(FIELDS), value).prop_map(|(field, value)| {
        let mut json = serde_json::to_value(facts(WORKER, "l1")).unwrap();
        json[field] = value;
        json.to_string()
    });
    let pretends = Just(()).prop_map(|()| {
        let manifests = facts("runai-01", "l1").manifests;
        let manifests = if manifests.is_empty() { planes() } else { manifests };
        serde_json::to_string(&NodeFacts { manifests, ..facts(WORKER, "l1") }).unwrap()
    });
    prop_oneof![2 => changed, 2 => pretends, 1 => garbage()].boxed()
}

/// Manifests such as a control-plane node has.
fn planes() -> Vec<podlift_model::facts::ManifestFacts> {
    let fleet = crate::testing::Fleet::new();
    let facts = fleet.lock().facts[&crate::testing::name("runai-01")].clone();
    facts.manifests
}

fn hellos() -> BoxedStrategy<v1::Hello> {
    let facts = document("podlift.facts/v1", facts_json());
    let names = (prop_oneof![6 => Just(WORKER.to_string()), 1 => text()], text(), text(), text());
    let many = prop_oneof![20 => vec(text(), 0..4), 1 => (0..6_000_usize).prop_map(|n| vec!["r".into(); n])];
    (0..3_u32, names, epoch(), many, proptest::option::of(facts), text())
        .prop_map(|(protocol, (node, agent_version, ledger, boot), epoch, runs, facts, machine)| {
            // In most cases the Hello is accepted and contains false data.
            let decent = protocol > 0;
            let (own, good) = (hello(WORKER, "l1"), decent && ledger.len() < 100);
            v1::Hello {
                protocol: if decent { own.protocol } else { protocol },
                node,
                agent_version,
                ledger: if good { own.ledger } else { ledger },
                boot: if good { own.boot } else { boot },
                epoch: if decent {
                    Some(v1::Epoch { number: u64::MAX, instance: "evil".into() })
                } else {
                    epoch
                },
                runs: if decent { vec!["run-of-nobody".into()] } else { runs },
                facts: facts.or(own.facts),
                machine: if good { "m1".into() } else { machine },
            }
        })
        .boxed()
}

fn heartbeats() -> BoxedStrategy<v1::Heartbeat> {
    let facts = document("podlift.facts/v1", facts_json());
    (number(), proptest::option::of(facts))
        .prop_map(|(sequence, facts)| v1::Heartbeat { sequence, facts })
        .boxed()
}

fn outcome() -> BoxedStrategy<v1::Outcome> {
    let output = prop_oneof![
        facts_json(),
        text().prop_map(|t| serde_json::json!({"output": "changed", "value": t}).to_string()),
        garbage(),
    ];
    let failure = (any::<i32>(), text(), text(), text());
    let failure = failure.prop_map(|(class, code, message, detail)| v1::Failure {
        class: class % 4,
        code,
        message,
        detail,
    });
    let output = proptest::option::of(document("podlift.output/v1", output));
    (0..4_i32, output, proptest::option::of(failure), text())
        .prop_map(|(result, output, failure, why)| v1::Outcome { result, output, failure, why })
        .boxed()
}

fn op_reports() -> BoxedStrategy<v1::OpReport> {
    let state = prop_oneof![
        text().prop_map(op_report::State::Progress),
        outcome().prop_map(op_report::State::Outcome),
        (0..4_i32, text(), text()).prop_map(|(class, code, message)| {
            op_report::State::Refused(v1::Failure { class, code, message, detail: String::new() })
        }),
    ];
    (number(), text(), text(), proptest::option::of(state))
        .prop_map(|(request, op_id, ledger, state)| v1::OpReport { request, op_id, ledger, state })
        .boxed()
}

fn heal_reports() -> BoxedStrategy<v1::HealReport> {
    let heal = (text(), prop_oneof![3 => Just(WORKER.to_string()), 1 => text()], text(), text(), number());
    let heal = heal.prop_map(|(id, node, file, diff, latency)| {
        let event = serde_json::json!({"id": id, "node": node, "file": file, "rules": [diff.clone()],
            "at": "2026-11-22T02:00:00Z", "latency_us": latency, "before": Digest::of("a"), "after": Digest::of("b"), "diff": diff});
        (id, event.to_string())
    });
    let whole = heal.prop_map(|(id, json)| v1::HealReport {
        id,
        heal: Some(v1::Document { kind: "podlift.heal/v1".into(), json }),
    });
    let odd = (text(), proptest::option::of(document("podlift.heal/v1", garbage())));
    prop_oneof![3 => whole, 1 => odd.prop_map(|(id, heal)| v1::HealReport { id, heal })].boxed()
}

/// Encoded messages that an agent might send; the tests damage them.
pub fn encoded() -> BoxedStrategy<Vec<u8>> {
    use prost::Message as _;
    prop_oneof![
        hellos().prop_map(|m| m.encode_to_vec()),
        heartbeats().prop_map(|m| m.encode_to_vec()),
        heal_reports().prop_map(|m| m.encode_to_vec()),
        Just(()).prop_map(|()| {
            let kind = Some(Kind::Hello(hello(WORKER, "l1")));
            v1::FromAgent { kind }.encode_to_vec()
        }),
        Just(()).prop_map(|()| {
            let facts = Some(wire::to_document("podlift.facts/v1", &facts(WORKER, "l1")));
            v1::Heartbeat { sequence: 1, facts }.encode_to_vec()
        }),
    ]
    .boxed()
}
