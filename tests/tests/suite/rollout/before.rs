//! The record of a node as it was: one annotation, written with the first change of a run, there as long as the run has a mark on the node,
//! and gone with its last one.

use podlift_engine::machine::RunStatus;
use podlift_lab::objects::Key;
use podlift_lab::{Shape, World};
use podlift_tests::pod::why;
use podlift_tests::rollout::{Rollout, shape, worker};
use podlift_tests::{Kept, ensure, paused};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const RECORD: &str = "podlift.io/before";
/// The worker that another person has cordoned and tainted.
const MARKED: usize = 2;

/// What each node's record said, and what is wrong with it.
#[derive(Default)]
struct Seen {
    records: BTreeMap<String, String>,
    wrong: Vec<String>,
}

fn record(v: &Value) -> Option<&str> {
    v["metadata"]["annotations"][RECORD].as_str()
}

/// A mark that only podlift puts on a node: its soft taint, or another annotation of its own.
fn marked(v: &Value) -> bool {
    let taints = v["spec"]["taints"].as_array().into_iter().flatten();
    let annotations = v["metadata"]["annotations"].as_object().into_iter().flatten();
    let own = |key: &str| key.starts_with("podlift.io/") && key != RECORD;
    taints.clone().any(|t| t["key"].as_str().is_some_and(own))
        || annotations.map(|(key, _)| key).any(|key| own(key))
}

impl Seen {
    fn look(&mut self, world: &World) {
        let s = world.lock();
        for (key, v) in s.api.of("", "nodes") {
            let node = &key.name;
            match (marked(v), record(v)) {
                (true, None) => self
                    .wrong
                    .push(format!("{node} has a mark and no record: {}", v["metadata"]["annotations"])),
                (false, Some(text)) => {
                    self.wrong.push(format!("{node} has no mark, and keeps the record {text}"))
                }
                (true, Some(text)) => {
                    let first = self.records.entry(node.clone()).or_insert_with(|| text.into());
                    if first != text {
                        self.wrong.push(format!("{node}: the record {first} was rewritten as {text}"));
                    }
                }
                (false, None) => {}
            }
        }
    }
}

fn site() -> Shape {
    Shape { cordoned: vec![worker(MARKED)], ..shape(MARKED + 1) }
}

/// A cordon, a taint and holds of others, as the record has to have them.
fn expected(node: &str, run: &str, seen: &Value) -> Kept {
    let other = node == worker(MARKED);
    ensure(seen["run"] == run && seen["unschedulable"] == other, || format!("{node}: {seen}"))?;
    let taints = seen["taints"].as_array().cloned().unwrap_or_default();
    let mine = taints.iter().any(|t| t["key"] == "example.com/repair");
    ensure(mine == other, || format!("{node} had other taints than {seen}"))?;
    let podlifts = taints.iter().any(|t| t["key"].as_str().is_some_and(|k| k.starts_with("podlift.io/")));
    ensure(!podlifts, || format!("{node}: podlift's own taint is in the record: {seen}"))?;
    if node.starts_with("dgx") {
        let mut held: Vec<&str> =
            seen["held"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        held.sort_unstable();
        ensure(held == ["kubeadm", "kubectl", "kubelet"], || format!("{node}: {seen}"))?;
    }
    Ok(())
}

#[test]
fn the_record_is_there_during_the_run_and_gone_after_it() {
    let result = paused(async {
        let mut rollout = Rollout::of(site(), json!({"max-unavailable": "2"}));
        let taint = json!([{"key": "example.com/repair", "value": "fan", "effect": "NoSchedule"}]);
        rollout
            .world()
            .update(|s| s.api.change(&Key::node(&worker(MARKED)), |v| v["spec"]["taints"] = taint));
        let (world, seen) = (rollout.world().clone(), Arc::new(Mutex::new(Seen::default())));
        let during = seen.clone();
        rollout.start(move |_| during.lock().unwrap().look(&world));
        let state = rollout.go().await?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        ensure(seen.wrong.is_empty(), || seen.wrong[..seen.wrong.len().min(4)].join("\n"))?;
        for node in (0..=MARKED).map(worker).chain(["runai-01".into()]) {
            let text = seen.records.get(&node).ok_or_else(|| format!("{node} never had a record"))?;
            let record = serde_json::from_str(text).map_err(|e| format!("{node}: {e}: {text}"))?;
            expected(&node, state.run.as_str(), &record)?;
        }
        after(rollout.world())
    });
    assert_eq!(result, Ok(()));
}

/// Nothing of podlift is left, and what others had put there is as it was.
fn after(world: &World) -> Kept {
    let s = world.lock();
    for (key, v) in s.api.of("", "nodes") {
        ensure(!marked(v) && record(v).is_none(), || {
            format!("{} keeps {}", key.name, v["metadata"]["annotations"])
        })?;
        let other = key.name == worker(MARKED);
        ensure((v["spec"]["unschedulable"] == true) == other, || format!("{}: {}", key.name, v["spec"]))?;
        let taints = v["spec"]["taints"].as_array().into_iter().flatten();
        let theirs = taints.filter(|t| t["key"] == "example.com/repair").count();
        ensure(theirs == usize::from(other), || format!("{}: {}", key.name, v["spec"]["taints"]))?;
    }
    Ok(())
}
