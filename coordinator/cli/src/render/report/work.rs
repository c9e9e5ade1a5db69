//! What the run did to the work on the nodes: its batches, the jobs that they interrupted, and the GPU-hours that this cost.

use super::cell;
use crate::render::folded::folded;
use crate::render::{numbers, timestamp};
use podlift_engine::machine::ChosenBatch;
use podlift_engine::view::{InterruptedJob, Report};
use podlift_model::count;
use std::fmt::Write as _;

pub(super) fn batches(r: &Report) -> String {
    if r.batches.is_empty() {
        return String::new();
    }
    let mut out = "\n## Batches\n\n| batch | chosen at | nodes | why | interrupted | GPU-hours at risk |\n|---|---|---|---|---|---|\n"
        .to_string();
    r.batches.iter().for_each(|batch| out += &row(batch));
    out
}

fn row(batch: &ChosenBatch) -> String {
    let nodes = if batch.nodes.is_empty() { "the cluster".into() } else { folded(&batch.nodes) };
    let jobs = if batch.interrupts.is_empty() { "-".into() } else { batch.interrupts.join(", ") };
    let hours = numbers::hours(numbers::of_seconds(batch.gpu_seconds));
    let (at, why) = (timestamp(batch.at), cell(&batch.why));
    format!("| {} | {at} | {nodes} | {why} | {} | {hours} |\n", batch.number, cell(&jobs))
}

pub(super) fn interrupted(r: &Report) -> String {
    if r.interrupted.is_empty() {
        return String::new();
    }
    let hours: f64 = r.interrupted.iter().map(|job| job.gpu_hours).sum();
    let (jobs, hours) = (count(r.interrupted.len(), "job"), numbers::gpu_hours(hours));
    let mut out = format!(
        "\n## Interrupted jobs\n\n{jobs} with {hours} of work; a job has lost what it had not saved.\n"
    );
    out += "\n| namespace | owner | times | GPU-hours |\n|---|---|---|---|\n";
    let mut rows: Vec<&InterruptedJob> = r.interrupted.iter().collect();
    rows.sort_by(|a, b| b.gpu_hours.total_cmp(&a.gpu_hours).then_with(|| a.job.cmp(&b.job)));
    for job in rows {
        let hours = numbers::hours(job.gpu_hours);
        let _ =
            writeln!(out, "| {} | {} | {} | {hours} |", cell(&job.namespace), cell(&job.owner), job.times);
    }
    let mut sums: Vec<(&String, &f64)> = r.gpu_hours_lost.iter().collect();
    sums.sort_by(|a, b| b.1.total_cmp(a.1));
    let sums: Vec<String> =
        sums.iter().map(|(space, of)| format!("{space} {}", numbers::hours(**of))).collect();
    if r.interrupted.iter().any(|job| job.times == 0) {
        out += "\nA job with 0 times has lost pods and has gone on with the others.\n";
    }
    out + &format!("\nGPU-hours by namespace: {}.\n", sums.join(", "))
}
