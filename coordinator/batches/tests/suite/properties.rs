//! Random fleets, played to the end.

use crate::fleet::{Fleet, name, noon, policy};
use crate::play::play;
use jiff::SignedDuration;
use podlift_batches::{Decision, Job, Policy, Stage, Worker, forecast};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn a_policy() -> impl Strategy<Value = Policy> {
    let topology = prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!({"label": "rack", "take": "one-domain"})),
        1 => Just(json!({"label": "rack", "take": "one-of-each"})),
    ];
    let groups = prop_oneof![
        2 => Just(json!([])),
        2 => (1..4_u32, 0..3_u32, 0..7200_u64).prop_map(|(n, canary, soak)| {
            let soak = if canary > 0 { soak } else { 0 };
            json!([{"name": "g", "selector": "pool=x", "max-unavailable": n, "canary": canary, "canary-soak-seconds": soak},
                {"name": "h", "selector": "rack=r1", "max-unavailable": 2, "canary": canary / 2}])
        }),
    ];
    let windows = prop_oneof![
        3 => Just(json!([])),
        1 => Just(json!([{"from": "13:00", "to": "14:00", "zone": "UTC"}])),
    ];
    let gangs = prop_oneof![Just("evict"), Just("wait"), Just("skip"), Just("ask")];
    let order = prop_oneof![2 => Just("least-loss"), 1 => Just("as-planned")];
    (topology, groups, windows, gangs, order, any::<bool>()).prop_map(
        |(topology, groups, windows, gangs, order, grow)| {
            policy(json!({"topology": topology, "groups": groups, "windows": windows, "order": order,
                "gangs": {"too-large": gangs, "wait-seconds": 7200}, "grow": grow}))
        },
    )
}

fn a_worker() -> impl Strategy<Value = (Stage, bool, Option<u8>, bool)> {
    let stage = prop_oneof![
        12 => Just(Stage::ToCome), 1 => Just(Stage::AtWork), 2 => Just(Stage::Over), 1 => Just(Stage::Out)];
    (stage, prop::bool::weighted(0.1), prop::option::weighted(0.9, 0..4_u8), any::<bool>())
}

fn a_job() -> impl Strategy<Value = Job> {
    let nodes = prop::collection::btree_set(0..24_usize, 0..6);
    (nodes, 0..3_u32, prop::option::of(0..500_i64), any::<[bool; 3]>(), 0..20_u8).prop_map(
        |(nodes, gpus, hours, [gang, preemptible, interactive], never)| Job {
            gpus: gpus * nodes.len() as u32,
            nodes: nodes.into_iter().map(|n| (name(&format!("n{n:02}")), 1)).collect(),
            since: hours.map(|hours| noon() - SignedDuration::from_hours(hours)),
            never: (never == 0).then(|| "keep=true".into()),
            id: String::new(),
            gang,
            preemptible,
            interactive,
        },
    )
}

prop_compose! {
    fn a_fleet()(
        policy in a_policy(),
        workers in prop::collection::vec(a_worker(), 0..24),
        jobs in prop::collection::vec(a_job(), 0..14),
        max in 1..8_u32,
        lanes in prop_oneof![3 => Just(u32::MAX), 1 => 1..4_u32],
    ) -> Fleet {
        let worker = |(at, (stage, unavailable, rack, pool)): (usize, (Stage, bool, Option<u8>, bool))| {
            let mut labels: BTreeMap<String, String> = BTreeMap::new();
            labels.extend(rack.map(|rack| ("rack".into(), format!("r{rack}"))));
            labels.extend(pool.then(|| ("pool".into(), "x".into())));
            let finished = (stage == Stage::Over).then(noon);
            Worker { node: name(&format!("n{at:02}")), stage, unavailable, labels, finished, failed: false }
        };
        let jobs = jobs.into_iter().enumerate().map(|(at, job)| Job { id: format!("ns/Job/{at:02}"), ..job });
        Fleet {
            policy,
            workers: workers.into_iter().enumerate().map(worker).collect(),
            jobs: jobs.collect(),
            agreed: BTreeSet::new(),
            lanes,
            ..Fleet::new(max, &[])
        }
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(10_000))]

    /// `play` checks each batch: never more unavailable than allowed, no gang divided where it fits, every node taken or named.
    #[test]
    fn every_fleet_is_played_to_the_end_by_the_rules(fleet in a_fleet(), seed in any::<u64>()) {
        let played = play(fleet.clone(), seed);
        prop_assert_eq!(played.torn, 0);
        let mut seen: Vec<_> = played.batches.into_iter().flatten().chain(played.left).collect();
        seen.sort();
        let to_come = fleet.workers.iter().filter(|w| w.stage == Stage::ToCome);
        let mut want: Vec<_> = to_come.map(|w| w.node.clone()).collect();
        want.sort();
        prop_assert_eq!(seen, want, "each node once");
    }

    #[test]
    fn every_forecast_names_every_node_once_and_begins_with_the_decision(fleet in a_fleet()) {
        let forecast = forecast(&fleet.scene());
        let taken = forecast.batches.iter().flat_map(|planned| planned.batch.nodes.clone());
        let mut seen: Vec<_> = taken.chain(forecast.not_taken.keys().cloned()).collect();
        seen.sort();
        let to_come = fleet.workers.iter().filter(|w| w.stage == Stage::ToCome);
        let mut want: Vec<_> = to_come.map(|w| w.node.clone()).collect();
        want.sort();
        prop_assert_eq!(seen, want);
        let starts = forecast.batches.iter().map(|planned| planned.starts_in_seconds);
        prop_assert!(starts.is_sorted());
        if let Decision::Take(batch) = fleet.decide() {
            prop_assert_eq!(&forecast.batches[0].batch, &batch);
        }
    }
}
