//! A run that is never struck: what it writes, and the world that it leaves.

use super::JOB;
use crate::cut::Cut;
use crate::ensure;
use crate::pod::{Pod, why};
use crate::robbed::{approve_all, served};
use podlift_engine::machine::{Event, Record, RunStatus};
use podlift_lab::{Snapshot, World};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a run without a blow writes and leaves.
pub struct Baseline {
    pub records: u64,
    /// The first record of each moment: what is in the middle of another record of the same moment is in the middle of this one.
    pub moments: Vec<u64>,
    /// Records that say what a change has come to. Between any other record and the one before it nothing is changed, so that what ends before
    /// it leaves the same as what ends after that one.
    pub outcomes: Vec<u64>,
    /// The first record of a worker's lane.
    pub workers: u64,
    /// Lines of each agent's ledger.
    pub lines: Vec<(String, u64)>,
    /// Begins and ends of steps.
    pub steps: Vec<StepAt>,
    pub snapshot: Snapshot,
    /// How often the job was interrupted: once where there is one.
    pub torn: u64,
    /// What BCM keeps of nodes and images, and what the runbook's cluster serves; empty without both.
    pub books: Vec<String>,
}

/// A step begins, or is done, at a record of the journal.
#[derive(Debug, Clone)]
pub struct StepAt {
    pub record: u64,
    pub step: String,
    pub done: bool,
}

/// Of a pod in which nothing runs yet.
pub async fn baseline(mut pod: Pod) -> Result<Baseline, String> {
    let has_job = !pod.world.nodes_of(JOB).is_empty();
    let (journal, first) = (pod.journal.clone(), Arc::new(AtomicU64::new(u64::MAX)));
    let workers = first.clone();
    let cut = Cut::seen_by(move |number| {
        if journal.records().last().is_some_and(|r| is_of_workers(&r.event)) {
            workers.fetch_min(number, Ordering::SeqCst);
        }
    });
    pod.start_coordinator(cut.clone());
    let cuts: Vec<(String, Arc<Cut>)> = pod.machines().into_iter().map(|n| (n, Cut::never())).collect();
    cuts.iter().for_each(|(node, cut)| pod.start_agent(node, cut.clone()));
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = approve_all(&pod).await?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let torn = pod.world.interruptions(JOB);
    ensure(torn == u64::from(has_job), || format!("the job was interrupted {torn} times"))?;
    let lines = cuts.iter().map(|(node, cut)| (node.clone(), cut.seen())).collect();
    let workers = first.load(Ordering::SeqCst);
    let records = pod.journal.records();
    Ok(Baseline {
        records: cut.seen(),
        moments: moments(&records),
        outcomes: outcomes(&records),
        workers,
        lines,
        steps: steps(&records),
        snapshot: pod.world.snapshot(),
        torn,
        books: books(&pod.world),
    })
}

fn steps(records: &[Record]) -> Vec<StepAt> {
    let at = |(i, record): (usize, &Record)| {
        let (step, done) = match &record.event {
            Event::StepStarted { step, .. } => (step, false),
            Event::StepDone { step, .. } => (step, true),
            _ => return None,
        };
        Some(StepAt { record: i as u64 + 1, step: step.to_string(), done })
    };
    records.iter().enumerate().filter_map(at).collect()
}

/// Images of nodes and categories, and what is in the images; services, secrets and what the ingress presents.
pub(super) fn books(world: &World) -> Vec<String> {
    let served = if world.shape.runbook { served(world) } else { vec![] };
    if !world.shape.images {
        return served;
    }
    let s = world.lock();
    let devices = s.bcm.devices.iter().map(|(name, device)| format!("{name}: {:?}", device.image));
    let categories = s.bcm.categories.iter().map(|(name, category)| format!("{name}: {:?}", category.image));
    let images = s.bcm.images.iter().map(|(name, image)| {
        let packages = s.node(&image.path).packages.iter();
        let packages: Vec<String> =
            packages.map(|(package, p)| format!("{package} {} held {}", p.version, p.held)).collect();
        let (locked, whole, mounts) = (image.locked, image.whole, &image.mounts);
        format!("{name}: locked {locked}, whole {whole}, mounts {mounts:?}, {}", packages.join(", "))
    });
    devices.chain(categories).chain(images).chain(served).collect()
}

/// Numbers of the records that are the first ones of their time.
fn moments(records: &[Record]) -> Vec<u64> {
    let is_first = |i: &usize| *i == 0 || records[i - 1].at != records[*i].at;
    (0..records.len()).filter(is_first).map(|i| i as u64 + 1).collect()
}

fn outcomes(records: &[Record]) -> Vec<u64> {
    let tells = |event: &Event| {
        matches!(
            event,
            Event::EpochClaimed { .. }
                | Event::OpEnded { .. }
                | Event::StepDone { .. }
                | Event::Healed { .. }
                | Event::MendEnded { .. }
                | Event::RunSucceeded
        )
    };
    let told = records.iter().enumerate().filter(|(_, record)| tells(&record.event));
    told.map(|(i, _)| i as u64 + 1).collect()
}

/// A step of a worker's own lane begins.
fn is_of_workers(event: &Event) -> bool {
    let of_lane = |step: &str| step.starts_with("canary/") || step.starts_with("workers/");
    matches!(event, Event::StepStarted { step, .. } if of_lane(step.as_str()))
}
