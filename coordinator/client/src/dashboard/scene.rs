//! What the page shows, as one value: a pure function of the live model and the time. Two of them are compared by `delta`.

use super::cells::{Cell, Works};
use super::group::group;
use super::ring::cut;
use crate::live::{Link, Live};
use podlift_engine::doors::VIP;
use podlift_engine::machine::RunState;
use podlift_engine::program::{GoalName, Severity};
use podlift_engine::view::{RunSummary, SentinelRow, Status};
use serde::Serialize;
use std::collections::BTreeMap;

/// Steps at work that the page lists.
const STEPS: usize = 40;
/// Characters of a text that a person or a tool has written.
const TEXT: usize = 600;

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Scene {
    pub head: Head,
    /// Control plane first, then by group and name.
    pub cells: Vec<Cell>,
    pub steps: Steps,
    pub api: Vec<Server>,
    pub sentinel: Vec<Watched>,
}

/// The lines above the map.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Head {
    pub cluster: String,
    /// Why there is no answer of the coordinator; empty while it answers.
    pub down: String,
    /// Why the coordinator only reads; empty if it does not.
    pub read_only: String,
    pub run: Option<Run>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Run {
    pub id: String,
    pub aim: String,
    pub status: String,
    pub by: String,
    pub phase: String,
    pub done: u32,
    pub steps: u32,
    pub heals: u32,
    /// RFC 3339.
    pub started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Expected end: the earliest, the usual, the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<[String; 3]>,
    /// Why no other node begins now; empty if one may.
    pub waits: String,
    /// Why the run is paused, and the next command; empty while it is not.
    pub paused: String,
    pub next: String,
}

/// Steps at work, those that need a person first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Steps {
    pub all: usize,
    pub shown: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// phase/node/verb, or phase/verb.
    pub id: String,
    pub state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    pub reason: String,
}

/// An endpoint of the API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Server {
    pub name: String,
    /// Since when it does not answer; absent while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_since: Option<String>,
    pub why: String,
    /// Seconds of the outages that are over.
    pub seconds: f64,
    pub requests: u64,
    pub failed: u64,
}

/// What the sentinel has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Watched {
    /// broken, warning, note
    pub severity: &'static str,
    pub what: String,
    pub next: String,
    /// RFC 3339.
    pub since: String,
}

pub(super) fn scene(live: &Live, works: &Works) -> Scene {
    let summary = live.summary();
    Scene {
        head: head(live, summary.as_ref()),
        cells: cells(live, works),
        steps: steps(live),
        api: servers(live.run.as_ref(), summary.as_ref()),
        sentinel: watched(live.status.as_ref()),
    }
}

fn head(live: &Live, summary: Option<&RunSummary>) -> Head {
    let status = live.status.as_ref();
    Head {
        cluster: status.map(|s| s.cluster.to_string()).unwrap_or_default(),
        down: match &live.link {
            Link::Up => String::new(),
            Link::Down { since, why } => format!("since {since}: {}", cut(why, TEXT)),
        },
        read_only: status.and_then(|s| s.read_only.clone()).unwrap_or_default(),
        run: summary.map(|run| of_run(run, status)),
    }
}

fn of_run(run: &RunSummary, status: Option<&Status>) -> Run {
    let eta = status.and_then(|s| s.eta.as_ref()).filter(|_| run.status == "running");
    let paused = run.paused.as_ref();
    Run {
        id: run.run.to_string(),
        aim: match run.goal {
            GoalName::Upgrade => format!("Upgrade {} to {}", run.from, run.to),
            GoalName::Repair => format!("Repair at {}", run.to),
        },
        status: run.status.clone(),
        by: run.by.clone(),
        phase: run.phase.clone().unwrap_or_default(),
        done: run.steps_done,
        steps: run.steps,
        heals: run.heals,
        started: run.started.to_string(),
        ended: run.ended.map(|at| at.to_string()),
        eta: eta.map(|eta| [eta.earliest, eta.at, eta.latest].map(|at| at.to_string())),
        waits: run.waits.as_ref().map(|waits| cut(&waits.why, TEXT)).unwrap_or_default(),
        paused: paused.map(|stop| cut(&stop.message, TEXT)).unwrap_or_default(),
        next: paused.map(|stop| stop.next.clone()).unwrap_or_default(),
    }
}

fn cells(live: &Live, works: &Works) -> Vec<Cell> {
    let run = live.run.as_ref();
    let mut rows: Vec<_> = live.status.iter().flat_map(|s| &s.nodes).collect();
    rows.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    let mut cells: Vec<(_, Cell)> =
        rows.into_iter().map(|row| (row.role, works.cell(row, group(run, row)))).collect();
    // The sort is stable: by name within a group.
    cells.sort_by(|(a, of_a), (b, of_b)| (a, &of_a.group).cmp(&(b, &of_b.group)));
    cells.into_iter().map(|(_, cell)| cell).collect()
}

fn steps(live: &Live) -> Steps {
    let work = live.work();
    let since = |id: &podlift_model::StepId| live.run.as_ref()?.steps.get(id)?.began.map(|at| at.to_string());
    let one = |work: &crate::live::Work| Step {
        id: work.step.id.to_string(),
        state: work.state.word(),
        since: since(&work.step.id),
        reason: cut(&work.reason, TEXT),
    };
    Steps { all: work.len(), shown: work.iter().take(STEPS).map(one).collect() }
}

fn watched(status: Option<&Status>) -> Vec<Watched> {
    let rows = status.and_then(|s| s.sentinel.as_ref()).into_iter().flat_map(|view| &view.seen);
    let one = |row: &SentinelRow| Watched {
        severity: match row.severity {
            Severity::Blocker => "broken",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        what: cut(&row.what, TEXT),
        next: row.next.clone(),
        since: row.since.to_string(),
    };
    rows.take(STEPS).map(one).collect()
}

/// The shared address first, then each server.
fn servers(run: Option<&RunState>, summary: Option<&RunSummary>) -> Vec<Server> {
    let mut all: BTreeMap<(bool, &str), Server> = BTreeMap::new();
    let named = |endpoint: &str| if endpoint == VIP { "shared address".to_string() } else { endpoint.into() };
    let new = |endpoint: &str| Server {
        name: named(endpoint),
        down_since: None,
        why: String::new(),
        seconds: 0.0,
        requests: 0,
        failed: 0,
    };
    for outage in run.iter().flat_map(|run| &run.outages) {
        let server = all.entry(key(&outage.endpoint)).or_insert_with(|| new(&outage.endpoint));
        match outage.milliseconds {
            Some(ms) => server.seconds += ms as f64 / 1000.0,
            None => {
                server.down_since = Some(outage.from.to_string());
                server.why = cut(&outage.why, TEXT);
            }
        }
    }
    for (endpoint, seen) in summary.iter().flat_map(|run| &run.reads) {
        let server = all.entry(key(endpoint)).or_insert_with(|| new(endpoint));
        (server.requests, server.failed) = (seen.requests, seen.failed);
    }
    all.into_values().collect()
}

/// The shared address sorts first.
fn key(endpoint: &str) -> (bool, &str) {
    (endpoint != VIP, endpoint)
}
