//! Events as lines.

pub(crate) mod issues;

use super::folded::within;
use super::{batch, place, time_of_day, timestamp};
use crate::table::paint;
use anstyle::AnsiColor;
use podlift_engine::doors::VIP;
use podlift_engine::machine::{Event, Record, RunState};
use podlift_engine::program::{GoalName, StopReason};
use podlift_model::{NodeName, OpOutcome, StepId, agree, count};

/// Characters for the names of nodes.
const NAMES: usize = 60;

/// `02:14:07 [ 34/88] runai-01 kubeadm-apply: done, …`.
pub(crate) fn progress(record: &Record, state: &RunState) -> String {
    let over = state.steps_over();
    let all = state.steps.size();
    let width = all.to_string().len();
    let without = match record.event {
        Event::RunSucceeded => without(state),
        _ => String::new(),
    };
    let text = text(&record.event, place::head(&state.plan));
    format!("{} [{over:>width$}/{all}] {text}{without}", time_of_day(record.at))
}

/// ` without dgx031, which failed and is left cordoned`; empty if no worker failed on the way.
pub(crate) fn without(state: &RunState) -> String {
    const SHOWN: usize = 5;
    let all = state.set_aside.len();
    let names: Vec<&str> = state.set_aside.keys().take(SHOWN).map(|node| node.as_str()).collect();
    let more = if all > SHOWN { format!(" and {} more", all - SHOWN) } else { String::new() };
    let cordoned = state.set_aside.keys().all(|node| state.left_cordoned(node));
    let left = match (cordoned, all) {
        (false, _) => "",
        (true, 1) => " and is left cordoned",
        (true, _) => " and are left cordoned",
    };
    match all {
        0 => String::new(),
        _ => format!(" without {}{more}, which failed{left}", names.join(", ")),
    }
}

/// `   12 02:14:07 …`, for `podlift events`. `head` is the head node, where it is known.
pub(crate) fn line(record: &Record, head: Option<&NodeName>) -> String {
    format!("{:>5} {} {}", record.seq, timestamp(record.at), text(&record.event, head))
}

/// The same, and below a batch the reason for each of its nodes.
pub(crate) fn wide(record: &Record, head: Option<&NodeName>) -> String {
    let reasons = match &record.event {
        Event::BatchChosen { reasons, .. } => {
            reasons.iter().map(|(node, why)| format!("\n      {node}: {why}")).collect()
        }
        _ => String::new(),
    };
    line(record, head) + &reasons
}

/// `phase/node/verb` as `node verb`.
fn step(id: &StepId, head: Option<&NodeName>) -> String {
    let (place, verb) = place::of(id, head);
    format!("{place:<10} {verb}")
}

fn stop(reason: &StopReason) -> String {
    let mut text = reason.message.clone();
    if !reason.undone.is_empty() {
        text = format!("{text}\n      undone: {}", reason.undone);
    }
    for line in reason.detail.lines() {
        text = format!("{text}\n      | {line}");
    }
    format!("{text}\n      next: {}", reason.next)
}

/// `head` is the head node, where it is known.
pub(crate) fn text(event: &Event, head: Option<&NodeName>) -> String {
    use Event as E;
    let step = |id: &StepId| step(id, head);
    match event {
        E::StepStarted { step: s, attempt, .. } if *attempt > 1 => {
            format!("{}: starts, attempt {attempt}", step(s))
        }
        E::StepStarted { step: s, .. } => format!("{}: starts", step(s)),
        E::OpEnded { step: s, outcome, .. } => format!("{}: {}", step(s), ended(outcome)),
        E::StepWaiting { step: s, reason } => {
            format!("{}: {} {reason}", step(s), paint(AnsiColor::Yellow, "waits,"))
        }
        E::StepDone { step: s, evidence } => {
            format!("{}: {} {}", step(s), paint(AnsiColor::Green, "done,"), evidence.what())
        }
        E::StepFailed { step: s, reason } => {
            format!("{}: {} {}", step(s), paint(AnsiColor::Red, "failed,"), stop(reason))
        }
        E::Healed { heal } => {
            let rules = heal.rules.join(", ");
            let healed = paint(AnsiColor::Cyan, "healed");
            format!("{:<10} {healed} {} ({rules}) in {} µs", heal.node.as_str(), heal.file, heal.latency_us)
        }
        E::RunPaused { reason, now, .. } => {
            let how = if *now { "run paused at once:" } else { "run paused:" };
            format!("{} {}", paint(AnsiColor::Yellow, how), stop(reason))
        }
        E::NodeUndone { node, undone, left } => {
            format!("{:<10} {}", node.as_str(), undone_of(node, undone, left))
        }
        E::BatchChosen { number, nodes, why, interrupts, gpu_seconds, .. } => {
            let name = format!("batch {number}");
            format!("{name:<10} {}", batch::of(nodes, why, interrupts, *gpu_seconds))
        }
        E::BatchWaits { why, .. } if why.is_empty() => "nodes begin again".into(),
        E::BatchLeft { nodes, why } => {
            format!("left out by the site's rules: {}: {why}", within(nodes, NAMES))
        }
        E::BatchWaits { why, until } => {
            let until = until.map(|at| format!(", until {}", timestamp(at))).unwrap_or_default();
            format!("{} {why}{until}", paint(AnsiColor::Yellow, "no other node begins:"))
        }
        E::NodeSetAside { node, reason, .. } => {
            let aside = paint(AnsiColor::Red, "failed,");
            format!("{:<10} {aside} the run goes on without it: {}", node.as_str(), stop(reason))
        }
        other => of_run(other, head),
    }
}

/// What the run has undone on a node that has left it, and what is still there.
fn undone_of(node: &NodeName, undone: &[String], left: &[String]) -> String {
    let name = format!("{node}: ");
    let part = |title: &str, lines: &[String]| {
        let lines: Vec<&str> = lines.iter().map(|l| l.strip_prefix(&name).unwrap_or(l)).collect();
        if lines.is_empty() { String::new() } else { format!(". {title}: {}", lines.join("; ")) }
    };
    match undone.is_empty() && left.is_empty() {
        true => "the run has left this node and had nothing to undo on it".into(),
        false => format!("the run has left this node{}{}", part("Undone", undone), part("Still there", left)),
    }
}

fn ended(outcome: &OpOutcome) -> String {
    match outcome {
        OpOutcome::Done { .. } => "op succeeded, now verifying".into(),
        OpOutcome::Failed { failure } => format!("op failed, {}", failure.message),
        OpOutcome::Indeterminate { why } => format!("op ended in an unknown way, {why}"),
    }
}

fn of_run(event: &Event, head: Option<&NodeName>) -> String {
    use Event as E;
    let step = |id: &StepId| step(id, head);
    match event {
        E::EpochClaimed { epoch, acknowledged } => {
            let n = acknowledged.len();
            format!("epoch {epoch} claimed: {} {} it on disk", count(n, "agent"), agree(n, "has", "have"))
        }
        E::RunStarted { plan, by } => {
            let aim = match plan.goal.name() {
                GoalName::Upgrade => format!("run from {} to {}", plan.from(), plan.to()),
                GoalName::Repair => format!("repair at {}", plan.to()),
            };
            format!("{aim} started by {by}, plan {}", plan.hash.short())
        }
        E::RunResumed { by } => format!("run resumed by {by}"),
        E::EarlierLost { step: s, again, reason } => {
            format!("{}: {reason}; done again: {}", step(s), again.join(", "))
        }
        E::Approved { by, what } => format!("approved by {by}: {what}"),
        E::NodeIncluded { node, by } => format!("node {node} included again by {by}"),
        E::RetryAsked { step: None, by, .. } => format!("retry of all failed steps asked by {by}"),
        E::RetryAsked { step: Some(s), by, .. } => format!("{}: retry asked by {by}", step(s)),
        E::DevicesOverridden { node, reason, by } => {
            format!("node {node} may be changed although its devices are in use, by {by}: {reason}")
        }
        E::WaiverLifted { check, by } => format!("waiver of {check} revoked by {by}"),
        E::NodeLost { node, by } => format!("node {node} declared lost by {by}"),
        E::OptionSet { name, value, by } => format!("{name} set to {value} by {by}"),
        E::NodeReleased { node, run, by, note } => {
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            format!("release of node {node}, which run {run} left cordoned, asked for by {by}{note}")
        }
        E::NodeDeferred { node, reason, by, until: None } => {
            format!("node {node} left out by {by}: {reason}")
        }
        E::NodeDeferred { node, reason, by, until: Some(at) } => {
            format!("node {node} left out until {} by {by}: {reason}", timestamp(*at))
        }
        E::AbortAsked { by, reason } => format!("abort asked by {by}: {reason}"),
        E::RunAborted { undone, left } => {
            format!("run aborted: {} reverted, {} left in place", count(undone.len(), "change"), left.len())
        }
        E::RunSucceeded => paint(AnsiColor::Green, "run succeeded"),
        E::HeadActs { head } => {
            format!(
                "{head} runs BCM's tools from now on: it is the active head node, and the plan has another one"
            )
        }
        E::ApiDown { endpoint, why } => format!("{} does not answer: {why}", api(endpoint)),
        E::ApiUp { endpoint, milliseconds } => {
            format!("{} answers again after {:.1} s", api(endpoint), *milliseconds as f64 / 1000.0)
        }
        E::ApiProbed { endpoint, counts, kind } => {
            format!("{}: {}", api(endpoint), super::probes(*kind, counts))
        }
        E::AgentConnected { node, .. } => format!("agent of {node} connected"),
        E::AgentLost { node } => format!("agent of {node} is not connected any more"),
        E::LedgerChanged { node, before, now } => {
            format!("agent of {node} has another ledger than before: {now} instead of {before}")
        }
        E::MachineRefused { node, first, second, why } => {
            format!("a second machine claims to be {node} and was refused: {second}; {first} stays: {why}")
        }
        E::RunsAdopted { runs, by } => format!("{} adopted by {by}", count(runs.len(), "run")),
        E::NodeAsked { node, op, by, .. } => format!("{node}: {} asked for by {by}", op.verb()),
        E::NodeAnswered { node, outcome, .. } => match outcome {
            OpOutcome::Done { .. } => format!("{node}: done"),
            other => format!("{node}: {}", ended(other)),
        },
        E::Attested { name, by, note } if note.is_empty() => format!("{name} attested by {by}"),
        E::Attested { name, by, note } => format!("{name} attested by {by}: {note}"),
        E::BackupMade { name, sha256, by, .. } => {
            format!("backup {name} made by {by}, sealed as {}", sha256.short())
        }
        E::RunsArchived { file, runs, by, .. } => {
            format!("{} archived by {by} in {file}", count(runs.len(), "run"))
        }
        other => issues::text(other).unwrap_or_else(|| other.name().into()),
    }
}

fn api(endpoint: &str) -> String {
    match endpoint {
        VIP => "the API's shared address".into(),
        server => format!("API server {server}"),
    }
}
