//! Runs, from their folded states at the time of the scrape. Without an open run its families have a description and no values.

use crate::dispatch::Agents;
use crate::store::Store;
use podlift_common::metrics::{Labels, Out, seconds};
use podlift_engine::machine::{RunState, RunStatus, StepStatus};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

pub(super) struct Runs(pub Arc<Store>, pub Arc<dyn Agents>);

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runs")
    }
}

const RUNS: [&str; 5] = ["running", "paused", "aborting", "aborted", "succeeded"];
const STEPS: [&str; 7] = ["pending", "waiting", "started", "ended", "done", "failed", "skipped"];

fn run_status(state: &RunState) -> &'static str {
    match state.status {
        RunStatus::Running => "running",
        RunStatus::Paused { .. } => "paused",
        RunStatus::Aborting { .. } => "aborting",
        RunStatus::Aborted { .. } => "aborted",
        RunStatus::Succeeded => "succeeded",
    }
}

fn step_state(status: &StepStatus) -> &'static str {
    match status {
        StepStatus::Pending => "pending",
        StepStatus::Waiting { .. } => "waiting",
        StepStatus::Started { .. } => "started",
        StepStatus::Ended { .. } => "ended",
        StepStatus::Done { .. } => "done",
        StepStatus::Failed { .. } => "failed",
        StepStatus::Skipped { .. } => "skipped",
    }
}

impl Collector for Runs {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        let states: Vec<Arc<RunState>> = self.0.runs().iter().filter_map(|run| self.0.run(run)).collect();
        let all: Vec<&str> = states.iter().map(|s| run_status(s)).collect();
        out.gauges("runs", "Runs in the journal, by status", None, counted("status", &RUNS, &all))?;
        let open = states.iter().find(|s| !s.is_over()).map(AsRef::as_ref);
        run(&mut out, open)?;
        self.missing(&mut out, open)?;
        endpoints(&mut out, open)
    }
}

impl Runs {
    fn missing(&self, out: &mut Out<'_>, open: Option<&RunState>) -> fmt::Result {
        let rows = open.map(|s| {
            let seen = self.1.seen();
            let there: BTreeSet<_> = seen.iter().filter(|n| n.connected).map(|n| &n.facts.node).collect();
            let nodes = s.plan.inventory.nodes.iter();
            let gone =
                nodes.filter(|n| !there.contains(&n.name) && !s.deferred.contains_key(&n.name)).count();
            (vec![], gone as f64)
        });
        let help = "Nodes of the open run, deferred ones left out, whose agent has no session";
        out.gauges("run_agents_missing", help, None, rows)
    }
}

fn run(out: &mut Out<'_>, open: Option<&RunState>) -> fmt::Result {
    let one = open.map(|s| {
        let labels: Labels = vec![("from", s.plan.from().to_string()), ("to", s.plan.to().to_string())];
        (labels, 1.0)
    });
    out.gauges("run_open", "1 with the versions of the run that is open; no value: none is", None, one)?;
    let steps: Vec<&str> =
        open.iter().flat_map(|s| s.steps.values()).map(|s| step_state(&s.status)).collect();
    let rows = open.map(|_| counted("state", &STEPS, &steps)).unwrap_or_default();
    out.gauges("run_steps", "Steps of the open run, by state", None, rows)?;
    let time = |at| (vec![], seconds(at));
    let unit = || Some(Unit::Seconds);
    out.gauges(
        "run_start_timestamp",
        "When the open run was started",
        unit(),
        open.map(|s| time(s.started)),
    )?;
    out.gauges(
        "run_last_event_timestamp",
        "Time of the open run's newest record",
        unit(),
        open.map(|s| time(s.last)),
    )?;
    let deferred = open.map(|s| (vec![], s.deferred.len() as f64));
    out.gauges("run_deferred_nodes", "Nodes that the open run leaves out", None, deferred)
}

/// The last probe result of each endpoint of the open run.
fn endpoints(out: &mut Out<'_>, open: Option<&RunState>) -> fmt::Result {
    let rows = open.into_iter().flat_map(|s| {
        let down = |e: &String| s.outages.iter().any(|o| o.endpoint == *e && o.milliseconds.is_none());
        let endpoints = crate::exec::endpoints(&s.plan.inventory).into_iter();
        endpoints.map(move |e| {
            let up = if down(&e) { 0.0 } else { 1.0 };
            (vec![("endpoint", e)], up)
        })
    });
    out.gauges(
        "api_endpoint_up",
        "Whether an API endpoint answered last; probed while a run is open",
        None,
        rows,
    )
}

/// How often each name occurs; 0 for names that do not occur.
fn counted(label: &'static str, names: &[&'static str], seen: &[&str]) -> Vec<(Labels, f64)> {
    let count = |name: &str| seen.iter().filter(|s| **s == name).count() as f64;
    names.iter().map(|name| (vec![(label, name.to_string())], count(name))).collect()
}
