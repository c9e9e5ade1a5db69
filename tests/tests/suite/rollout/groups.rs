//! A group of workers with a canary and a soak of its own.

use jiff::SignedDuration;
use podlift_engine::machine::{ChosenBatch, Event, RunState, RunStatus};
use podlift_lab::{Fault, FaultAction};
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, names, of_workers, worker};
use podlift_tests::{ensure, paused};
use serde_json::json;

const SOAK: i64 = 3600;
const WORKERS: usize = 6;
/// Number of the first worker of the group; the others of it follow.
const FIRST: usize = 3;

/// Six workers, the last three of them in the group.
fn with_group() -> Rollout {
    let group = json!({"name": "inference", "selector": "pool=inference", "max-unavailable": "100%",
        "canary": 1, "canary-soak-seconds": SOAK});
    let mut rollout = Rollout::new(WORKERS, json!({"max-unavailable": "3", "groups": [group]}));
    (FIRST..WORKERS).for_each(|i| rollout.label(&worker(i), "pool", "inference"));
    // The group's canary alone decides here.
    rollout.pod.options.canary = 0;
    rollout
}

/// The batches with nodes of the group, each with these.
fn of_group(state: &RunState) -> Vec<(&ChosenBatch, Vec<&str>)> {
    of_workers(state).map(part).filter(|(_, nodes)| !nodes.is_empty()).collect()
}

fn part(batch: &ChosenBatch) -> (&ChosenBatch, Vec<&str>) {
    let mine = |node: &&str| (FIRST..WORKERS).any(|i| worker(i) == *node);
    (batch, names(batch).into_iter().filter(mine).collect())
}

#[test]
fn group_canary() {
    let result = paused(async {
        let mut rollout = with_group();
        let state = rollout.succeed().await?;
        let batches = of_group(&state);
        ensure(batches.first().is_some_and(|(_, nodes)| nodes.len() == 1), || format!("{batches:?}"))?;
        let all: usize = batches.iter().map(|(_, nodes)| nodes.len()).sum();
        ensure(all == WORKERS - FIRST, || format!("{batches:?}"))?;
        let (first, second) = (batches[0].0, batches[1].0);
        ensure(second.at.duration_since(first.at) >= SignedDuration::from_secs(SOAK), || {
            format!("the canary began at {}, the others at {}", first.at, second.at)
        })?;
        let records = rollout.pod.journal.records();
        let waited = records.iter().any(|r| match &r.event {
            Event::BatchWaits { why, until } => {
                why.contains("group inference waits after its canary")
                    && until.is_some_and(|t| t <= second.at)
            }
            _ => false,
        });
        ensure(waited, || "the journal has no wait of the group with its end".into())
    });
    assert_eq!(result, Ok(()));
}

#[test]
fn a_failed_canary_keeps_its_group_back() {
    let result = paused(async {
        let mut rollout = with_group();
        rollout.pod.options.max_failed = "2".parse().ok();
        let broken = FaultAction::Fail { code: 100, stderr: "E: no space left on device".into() };
        for node in (FIRST..WORKERS).map(worker) {
            let fault = Fault::new("apt-get", "install kubelet=1.32.9", broken.clone());
            rollout.world().add_fault(fault.on(&node).times(1000));
        }
        let state = rollout.run().await?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        let batches = of_group(&state);
        let tried: Vec<&str> = batches.iter().flat_map(|(_, nodes)| nodes.iter().copied()).collect();
        ensure(tried.len() == 1, || format!("the run tried {tried:?} of the group"))?;
        let records = rollout.pod.journal.records();
        let left = records.iter().find_map(|r| match &r.event {
            Event::BatchLeft { nodes, why } => Some((nodes.len(), why.clone())),
            _ => None,
        });
        let named = left.as_ref().is_some_and(|(nodes, why)| {
            *nodes == WORKERS - FIRST - 1 && why.contains("group inference") && why.contains(tried[0])
        });
        ensure(named, || format!("left out: {left:?}"))?;
        let over =
            |i: usize| rollout.world().snapshot().nodes[&worker(i)].kubelet.as_deref() == Some("v1.32.9");
        ensure((0..FIRST).all(over), || "the others were not upgraded".into())
    });
    assert_eq!(result, Ok(()));
}
