//! Random fleets, played to the end.

use crate::fleet::{Fleet, name, noon, policy};
use crate::play::{Chance, Entry, play};
use jiff::SignedDuration;
use podlift_batches::{Decision, Job, Policy, Stage, Window, Worker, forecast, open_for_worker};
use podlift_model::NodeName;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn window(text: &str) -> Value {
    serde_json::to_value(text.parse::<Window>().unwrap()).unwrap()
}

/// Two groups that share nodes: by label and by category, by category and by rack.
fn some_groups() -> impl Strategy<Value = Value> {
    let windows = || {
        let some = [
            vec![],
            vec!["12:30-14:00 UTC"],
            vec!["10:00-12:45 UTC", "20:00-23:00 UTC"],
            vec!["wed 08:00-12:00 UTC"],
            vec!["2026-11-30 12:00-16:00 UTC"],
            vec!["2026-12-02 10:00-20:00 UTC"],
            vec!["2026-11-01 08:00-12:00 UTC"],
            vec!["12:00-12:20 UTC"],
        ];
        let some = some.map(|texts| texts.into_iter().map(window).collect::<Vec<_>>());
        prop_oneof![2 => Just(vec![]), 3 => prop::sample::select(some.to_vec())]
    };
    let orders = prop::sample::select(vec![Value::Null, json!("least-loss"), json!("as-planned")]);
    let failed = || prop::option::weighted(0.4, 1..3_u32);
    let canary = (0..3_u32, 0..7200_u64);
    ((1..4_u32, canary, any::<[bool; 2]>()), (windows(), windows()), orders, (failed(), failed())).prop_map(
        |((most, (canary, soak), [by_label, by_rack]), (first, second), order, (g, h))| {
            let soak = if canary > 0 { soak } else { 0 };
            let label = by_label.then_some("pool=x");
            let rack = by_rack.then_some("rack=r1");
            let category = if by_rack { Some("gb200") } else { Some("h100") };
            json!([{"name": "g", "selector": label, "category": if by_label { None } else { Some("gb200") },
                "max-unavailable": most, "canary": canary, "canary-soak-seconds": soak, "windows": first,
                "order": order, "max-failed": g},
                {"name": "h", "selector": rack, "category": category, "max-unavailable": 2,
                "canary": canary / 2, "windows": second, "max-failed": h}])
        },
    )
}

fn a_policy() -> impl Strategy<Value = Policy> {
    let topology = prop_oneof![
        3 => Just(Value::Null),
        1 => Just(json!({"label": "rack", "take": "one-domain"})),
        1 => Just(json!({"label": "rack", "take": "one-of-each"})),
    ];
    let groups = prop_oneof![2 => Just(json!([])), 3 => some_groups()];
    let windows = prop_oneof![3 => Just(json!([])), 1 => Just(json!([window("13:00-14:00 UTC")]))];
    let gangs = prop_oneof![Just("evict"), Just("wait"), Just("skip"), Just("ask")];
    let order = prop_oneof![2 => Just("least-loss"), 1 => Just("as-planned")];
    (topology, groups, windows, gangs, order, any::<bool>()).prop_map(
        |(topology, groups, windows, gangs, order, grow)| {
            policy(json!({"topology": topology, "groups": groups, "windows": windows, "order": order,
                "gangs": {"too-large": gangs, "wait-seconds": 7200}, "grow": grow}))
        },
    )
}

type Drawn = (Stage, bool, Option<u8>, bool, Option<&'static str>);

fn a_worker() -> impl Strategy<Value = Drawn> {
    let stage = prop_oneof![
        12 => Just(Stage::ToCome), 1 => Just(Stage::AtWork), 2 => Just(Stage::Over), 1 => Just(Stage::Out)];
    (
        stage,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.9, 0..4_u8),
        any::<bool>(),
        prop::sample::select(vec![None, Some("h100"), Some("gb200")]),
    )
}

fn a_job() -> impl Strategy<Value = Job> {
    let nodes = prop::collection::btree_set(0..24_usize, 0..6);
    let least = (prop::option::of(0..5_u32), any::<bool>(), 1..3_u32);
    (nodes, 0..3_u32, prop::option::of(0..500_i64), any::<[bool; 3]>(), 0..20_u8, least).prop_map(
        |(nodes, gpus, hours, [gang, preemptible, interactive], never, (least, known, pods))| Job {
            gpus: gpus * nodes.len() as u32,
            min_member: least,
            wanted: known.then_some(pods * nodes.len() as u32),
            nodes: nodes.into_iter().map(|n| (name(&format!("n{n:02}")), pods)).collect(),
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
        let worker = |(at, (stage, unavailable, rack, pool, category)): (usize, Drawn)| {
            let mut labels: BTreeMap<String, String> = BTreeMap::new();
            labels.extend(rack.map(|rack| ("rack".into(), format!("r{rack}"))));
            labels.extend(pool.then(|| ("pool".into(), "x".into())));
            let finished = (stage == Stage::Over).then(noon);
            let category = category.map(String::from);
            Worker { node: name(&format!("n{at:02}")), stage, unavailable, labels, category, finished, failed: false }
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

/// The nodes to come, in the order of their names.
fn to_come(fleet: &Fleet) -> Vec<NodeName> {
    let to_come = fleet.workers.iter().filter(|w| w.stage == Stage::ToCome);
    let mut names: Vec<_> = to_come.map(|w| w.node.clone()).collect();
    names.sort();
    names
}

/// Decides again from what the journal has, with workers, jobs and their nodes in another order.
fn replay(journal: &[Entry], seed: u64) {
    let mut chance = Chance(seed);
    for entry in journal {
        let mut fleet: Fleet = serde_json::from_str(&entry.fleet).unwrap();
        let mut at = |length: usize| chance.below(length.max(1) as u64) as usize;
        let (worker, job) = (at(fleet.workers.len()), at(fleet.jobs.len()));
        fleet.workers.reverse();
        fleet.workers.rotate_left(worker);
        fleet.jobs.reverse();
        fleet.jobs.rotate_left(job);
        assert_eq!(fleet.decide(), entry.decision, "{}", entry.fleet);
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Found among the random fleets: a worker of group h is down and takes all the room, while another rack has its turn. The wait named the canary
/// of h, for which nobody could do anything, and not the worker.
#[test]
fn a_worker_that_is_down_in_another_domain_is_no_canary_to_wait_for() {
    let worker = |at: usize| {
        let rack = match at {
            0 | 4 | 6 => Some("r2"),
            3 | 14..=18 => Some("r1"),
            7 => Some("r0"),
            13 => Some("r3"),
            _ => None,
        };
        let mut labels: BTreeMap<String, String> =
            rack.map(|rack| ("rack".into(), rack.into())).into_iter().collect();
        labels.extend(matches!(at, 6 | 13 | 18).then(|| ("pool".into(), "x".into())));
        let stage = match at {
            6 | 18 => Stage::AtWork,
            7 => Stage::Over,
            _ => Stage::ToCome,
        };
        let category = match at {
            7 => Some("gb200".into()),
            16 => Some("h100".into()),
            _ => None,
        };
        let (node, finished) = (name(&format!("n{at:02}")), (at == 7).then(noon));
        Worker { node, stage, unavailable: at == 16, labels, category, finished, failed: false }
    };
    let job = |id: &str, nodes: &[&str], gpus: u32| Job {
        id: id.into(),
        gpus,
        nodes: nodes.iter().map(|node| (name(node), 1)).collect(),
        since: (gpus > 0).then(|| noon() - SignedDuration::from_hours(233)),
        gang: gpus == 0,
        never: (gpus == 0).then(|| "keep=true".into()),
        min_member: None,
        wanted: None,
        preemptible: false,
        interactive: false,
    };
    let fleet = Fleet {
        policy: policy(json!({"topology": {"label": "rack", "take": "one-domain"}, "groups": [
            {"name": "g", "selector": "pool=x", "max-unavailable": 1, "canary": 2, "canary-soak-seconds": 2701},
            {"name": "h", "category": "h100", "max-unavailable": 2, "canary": 1}]})),
        workers: (0..19).map(worker).collect(),
        jobs: vec![
            job("ns/Job/00", &["n00", "n03"], 2),
            job("ns/Job/01", &["n13", "n14"], 0),
            job("ns/Job/02", &["n03"], 1),
        ],
        lanes: u32::MAX,
        ..Fleet::new(1, &[])
    };
    let played = play(fleet, 4046456372200742920);
    let named = |entry: &Entry| matches!(&entry.decision, Decision::Wait { why, .. } if why.contains("n16") && why.contains("not available"));
    assert!(played.journal.iter().any(named), "the play does not come to that wait any more");
}

proptest! {
    #![proptest_config(config(10_000))]

    /// `play` checks each batch: never more unavailable than allowed, each node in its windows, no group beyond its failures.
    #[test]
    fn every_fleet_is_played_to_the_end_by_the_rules(fleet in a_fleet(), seed in any::<u64>()) {
        let played = play(fleet.clone(), seed);
        prop_assert_eq!(played.torn, Vec::<String>::new(), "no gang is interrupted twice");
        let mut seen: Vec<_> = played.batches.into_iter().flatten().chain(played.left.keys().cloned()).collect();
        seen.sort();
        prop_assert_eq!(seen, to_come(&fleet), "each node is taken once or named");
        prop_assert!(played.left.values().all(|why| !why.is_empty()));
        replay(&played.journal, seed);
    }

    #[test]
    fn every_forecast_names_every_node_once_and_begins_with_the_decision(fleet in a_fleet()) {
        let forecast = forecast(&fleet.scene());
        let taken = forecast.batches.iter().flat_map(|planned| planned.batch.nodes.clone());
        let mut seen: Vec<_> = taken.chain(forecast.not_taken.keys().cloned()).collect();
        seen.sort();
        prop_assert_eq!(seen, to_come(&fleet));
        prop_assert!(forecast.not_taken.values().all(|why| !why.is_empty()));
        for planned in &forecast.batches {
            let begins = fleet.now + SignedDuration::from_secs(planned.starts_in_seconds as i64);
            for worker in fleet.workers.iter().filter(|w| planned.batch.nodes.contains(&w.node)) {
                let (labels, category) = (&worker.labels, worker.category.as_deref());
                let open = open_for_worker(&fleet.policy, labels, category, begins, fleet.lane_seconds);
                prop_assert_eq!(open, Ok(()), "{} at {}", worker.node, begins);
            }
        }
        let starts = forecast.batches.iter().map(|planned| planned.starts_in_seconds);
        prop_assert!(starts.is_sorted());
        if let Decision::Take(batch) = fleet.decide() {
            prop_assert_eq!(&forecast.batches[0].batch, &batch);
        }
    }
}
