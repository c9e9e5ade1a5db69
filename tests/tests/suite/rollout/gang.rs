//! A training job over four of twelve workers, on the very nodes whose names come first.

use podlift_engine::program::Limit;
use podlift_tests::rollout::{Rollout, names, of_workers, worker};
use podlift_tests::{ensure, paused};
use serde_json::json;
use std::collections::BTreeSet;

const JOB: &str = "llm";

fn first_four() -> Vec<String> {
    (0..4).map(worker).collect()
}

fn with_gang(policy: serde_json::Value) -> Rollout {
    let rollout = Rollout::new(12, policy);
    let nodes = first_four();
    rollout.world().train(JOB, &nodes.iter().map(String::as_str).collect::<Vec<_>>());
    rollout
}

/// It is interrupted once, and lands on nodes that are over: the soft taints keep it away from those to come.
#[test]
fn a_gang_is_interrupted_once_and_its_nodes_go_together() {
    let result = paused(async {
        let mut rollout = with_gang(json!({"max-unavailable": "4"}));
        let state = rollout.succeed().await?;
        let (times, before) = (rollout.world().interruptions(JOB), first_four());
        ensure(times == 1, || format!("the job was torn down {times} times"))?;
        let hit: Vec<_> = of_workers(&state).filter(|b| !b.interrupts.is_empty()).collect();
        ensure(hit.len() == 1, || format!("{} batches interrupt a job: {hit:?}", hit.len()))?;
        ensure(names(hit[0]) == before, || format!("the job's batch is {:?}", hit[0]))?;
        let all: BTreeSet<&str> = of_workers(&state).flat_map(names).collect();
        ensure(all.len() == 12, || format!("chosen: {all:?}"))?;
        let last = of_workers(&state).last().map(names);
        ensure(last.as_deref() == Some(&before.iter().map(String::as_str).collect::<Vec<_>>()), || {
            format!("idle nodes come first, and the last batch is {last:?}")
        })?;
        rollout.used(4)?;
        let report = rollout.pod.coordinator().report(None).map_err(|e| e.to_string())?;
        let report = serde_json::to_value(&report).map_err(|e| e.to_string())?;
        let listed = report["interrupted"].as_array().cloned().unwrap_or_default();
        ensure(listed.len() == 1 && listed[0]["times"] == 1, || format!("the report says {listed:?}"))?;
        ensure(rollout.world().nodes_of(JOB).len() == 4, || "the job does not run again".into())
    });
    assert_eq!(result, Ok(()));
}

/// A gang on more nodes than may be unavailable is taken in adjacent batches, with nothing between them.
#[test]
fn a_gang_that_is_too_large_is_evicted_once() {
    let result = paused(async {
        let mut rollout = with_gang(json!({"max-unavailable": "2"}));
        let state = rollout.succeed().await?;
        rollout.used(2)?;
        let times = rollout.world().interruptions(JOB);
        ensure(times == 1, || format!("the job was torn down {times} times"))?;
        let before = first_four();
        let hit: Vec<(usize, Vec<&str>)> = of_workers(&state)
            .enumerate()
            .map(|(place, b)| (place, names(b)))
            .filter(|(_, nodes)| nodes.iter().any(|n| before.iter().any(|o| o == n)))
            .collect();
        // How many of them go at once depends on which lane ends first.
        let adjacent = hit.windows(2).all(|two| two[1].0 == two[0].0 + 1);
        ensure(adjacent, || format!("the job's nodes are in the batches {hit:?}"))?;
        let among = |nodes: &Vec<&str>| nodes.iter().any(|n| before.iter().all(|o| o != n));
        let others = hit.iter().skip(1).any(|(_, nodes)| among(nodes));
        ensure(!others, || format!("other nodes are among them: {hit:?}"))?;
        let taken = hit.iter().flat_map(|(_, nodes)| nodes).filter(|n| before.iter().any(|o| o == *n));
        ensure(taken.count() == before.len(), || format!("not all four nodes are taken: {hit:?}"))
    });
    assert_eq!(result, Ok(()));
}

/// The plan foretells the batches that the run then takes.
#[test]
fn the_plan_foretells_the_batches() {
    let result = paused(async {
        let mut rollout = with_gang(json!({"max-unavailable": "4"}));
        rollout.start(|_| {});
        rollout.pod.ready().await.map_err(|e| e.to_string())?;
        let ask = rollout.pod.ask();
        let plan = rollout.pod.coordinator().plan(&ask, "ann").await.map_err(|e| e.to_string())?;
        let foretold: BTreeSet<Vec<String>> = plan
            .phases
            .iter()
            .flat_map(|p| &p.batches)
            .map(|b| b.nodes.iter().map(ToString::to_string).collect())
            .collect();
        let state = rollout.go().await?;
        let taken: BTreeSet<Vec<String>> =
            of_workers(&state).map(|b| b.nodes.iter().map(ToString::to_string).collect()).collect();
        ensure(foretold.contains(&first_four()) && taken.contains(&first_four()), || {
            format!("foretold {foretold:?}, taken {taken:?}")
        })?;
        ensure(plan.jobs.iter().any(|j| j.id == format!("runai/PodGroup/pg-{JOB}")), || {
            format!("{:?}", plan.jobs)
        })
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_limit_of_the_request_wins_over_the_policy() {
    let result = paused(async {
        let mut rollout = Rollout::new(4, json!({"max-unavailable": "4"}));
        rollout.pod.max_unavailable = Some(Limit::Number(1));
        rollout.succeed().await?;
        rollout.used(1)
    });
    assert_eq!(result, Ok(()));
}
