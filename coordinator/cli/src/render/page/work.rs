//! What the run cost: the jobs that it interrupted, and its batches.

use crate::render::folded::within;
use crate::render::{numbers, time_of_day};
use maud::{Markup, html};
use podlift_engine::view::Report;

/// Rows of each table. The most costly jobs come first.
const ROWS: usize = 60;
/// Characters of names.
const NAMES: usize = 48;

pub(super) fn work(r: &Report) -> Markup {
    html! { (jobs(r)) (batches(r)) }
}

fn jobs(r: &Report) -> Markup {
    html! {
        @if !r.interrupted.is_empty() {
            section {
                h2 { "Interrupted jobs" }
                p { "A job has lost what it had not saved: at most its GPUs times its age." }
                table {
                    thead { tr { th scope="col" { "namespace" } th scope="col" { "owner" } th scope="col" { "times" } th scope="col" { "GPU-hours" } } }
                    tbody {
                        @for job in r.interrupted.iter().take(ROWS) {
                            tr { th scope="row" { (job.namespace) } td { (job.owner) } td.number { (job.times) } td.number { (numbers::hours(job.gpu_hours)) } }
                        }
                    }
                }
                @if r.interrupted.iter().any(|job| job.times == 0) {
                    p { "A job with 0 times has lost pods and has gone on with the others." }
                }
                (more(r.interrupted.len(), "jobs"))
                p {
                    "GPU-hours by namespace: "
                    @for (i, (space, hours)) in r.gpu_hours_lost.iter().enumerate() {
                        @if i > 0 { ", " } (space) " " (numbers::hours(*hours))
                    }
                    "."
                }
            }
        }
    }
}

fn batches(r: &Report) -> Markup {
    html! {
        @if !r.batches.is_empty() {
            section {
                h2 { "Batches" }
                table {
                    thead { tr { th scope="col" { "batch" } th scope="col" { "chosen at" } th scope="col" { "nodes" } th scope="col" { "why" } th scope="col" { "GPU-hours at risk" } } }
                    tbody {
                        @for batch in r.batches.iter().take(ROWS) {
                            tr {
                                th scope="row" { (batch.number) }
                                td { (time_of_day(batch.at)) }
                                td { @if batch.nodes.is_empty() { "the cluster" } @else { (within(&batch.nodes, NAMES)) } }
                                td { (batch.why) }
                                td.number { (numbers::hours(numbers::of_seconds(batch.gpu_seconds))) }
                            }
                        }
                    }
                }
                (more(r.batches.len(), "batches"))
            }
        }
    }
}

fn more(all: usize, of: &str) -> Markup {
    html! { @if all > ROWS { p { (numbers::grouped(all - ROWS)) " more " (of) " are in the document of podlift report -o json." } } }
}
