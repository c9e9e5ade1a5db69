//! Runs over many workers with a policy of batches, and what was cordoned at each record of the journal: a look at the World that no report
//! of the product can change.

use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use jiff::Timestamp;
use podlift_engine::machine::{ChosenBatch, RunState, RunStatus};
use podlift_lab::objects::Key;
use podlift_lab::{Shape, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// One control-plane node, and so many workers `dgx030`, `dgx031`, …
pub fn shape(workers: usize) -> Shape {
    Shape {
        control_planes: vec!["runai-01".into()],
        workers: (0..workers).map(worker).collect(),
        empty_endpoints: false,
        inference: (2, 0),
        ..Shape::default()
    }
}

/// The name of a worker, from 0.
pub fn worker(number: usize) -> String {
    format!("dgx{:03}", 30 + number)
}

/// Workers that were cordoned at the same time.
type Away = BTreeSet<String>;

/// A run over such workers.
pub struct Rollout {
    pub pod: Pod,
    seen: Arc<Mutex<Vec<Away>>>,
}

impl Rollout {
    /// `policy` as the table `[rollout]` of policy.toml, written as JSON.
    pub fn new(workers: usize, policy: Value) -> Self {
        Self::of(shape(workers), policy)
    }

    /// A run over the nodes of this shape.
    pub fn of(shape: Shape, policy: Value) -> Self {
        let mut pod = Pod::new(shape, Sabotage::None);
        pod.options.batches = serde_json::from_value(policy).unwrap_or_else(|e| panic!("a policy: {e}"));
        (pod.options.soft_taint, pod.options.checkpoints) = (true, true);
        (pod.options.wait_seconds, pod.options.drain_seconds) = (300, 300);
        pod.max_unavailable = None;
        Self { pod, seen: Arc::default() }
    }

    pub fn world(&self) -> &Arc<World> {
        &self.pod.world
    }

    /// Labels a worker.
    pub fn label(&self, node: &str, label: &str, value: &str) {
        self.world()
            .update(|s| s.api.change(&Key::node(node), |v| v["metadata"]["labels"][label] = json!(value)));
    }

    /// Starts coordinator and agents; `more` happens at each record of the journal.
    pub fn start(&mut self, mut more: impl FnMut(u64) + Send + 'static) {
        let (world, seen) = (self.pod.world.clone(), self.seen.clone());
        self.pod.start(Cut::seen_by(move |record| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(cordoned(&world));
            more(record);
        }));
    }

    /// A run from its start to its rest.
    pub async fn run(&mut self) -> Result<Arc<RunState>, String> {
        self.start(|_| {});
        self.go().await
    }

    /// A run of the parts that are started.
    pub async fn go(&self) -> Result<Arc<RunState>, String> {
        self.pod.start_run().await.map_err(|e| e.to_string())?;
        self.pod.rest().await.ok_or_else(|| "the run never rested".into())
    }

    /// A run that has to succeed.
    pub async fn succeed(&mut self) -> Result<Arc<RunState>, String> {
        let state = self.run().await?;
        ensure(state.status == RunStatus::Succeeded, || why(&state))?;
        self.left_nothing()?;
        Ok(state)
    }

    /// Nodes that are cordoned now.
    pub fn cordoned(&self) -> BTreeSet<String> {
        cordoned(self.world())
    }

    /// Each different set of workers that were cordoned together.
    pub fn away(&self) -> BTreeSet<Away> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Never more than so many were cordoned together, and once as many.
    pub fn used(&self, at_most: usize) -> Kept {
        let most = self.away().iter().map(BTreeSet::len).max().unwrap_or(0);
        ensure(most == at_most, || {
            format!("{most} workers were cordoned together, expected at most {at_most}")
        })
    }

    /// No worker is cordoned, and none has a soft taint or a mark of podlift.
    pub fn left_nothing(&self) -> Kept {
        let s = self.world().lock();
        for (key, v) in s.api.of("", "nodes") {
            let soft = v["spec"]["taints"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|t| t["effect"] == "PreferNoSchedule");
            ensure(soft.is_none(), || format!("{} keeps the taint {soft:?}", key.name))?;
            ensure(v["spec"]["unschedulable"] != true, || format!("{} is cordoned", key.name))?;
            let annotations = v["metadata"]["annotations"].as_object().into_iter().flatten();
            let mark = annotations.map(|(k, _)| k).find(|k| k.starts_with("podlift.io/"));
            ensure(mark.is_none(), || format!("{} keeps the mark {mark:?}", key.name))?;
        }
        Ok(())
    }
}

fn cordoned(world: &World) -> Away {
    let s = world.lock();
    let nodes = s.api.of("", "nodes").filter(|(_, v)| v["spec"]["unschedulable"] == true);
    nodes.map(|(k, _)| k.name.clone()).collect()
}

/// Batches of workers, without those of the control plane and the cluster.
pub fn of_workers(state: &RunState) -> impl Iterator<Item = &ChosenBatch> {
    state.batches.iter().filter(|b| b.nodes.iter().any(|n| n.as_str().starts_with("dgx")))
}

pub fn names(batch: &ChosenBatch) -> Vec<&str> {
    batch.nodes.iter().map(|n| n.as_str()).collect()
}

/// The minute of a day, UTC.
pub fn minute(at: Timestamp) -> i64 {
    at.as_second().rem_euclid(86_400) / 60
}
