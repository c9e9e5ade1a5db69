//! The local and safe undo: our cordons and our guards. What remains is always reported.

use super::Performer;
use super::perform::Acted;
use podlift_engine::machine::{RunState, StepStatus};
use podlift_engine::program::StepSpec;
use podlift_engine::steps::Cx;
use podlift_engine::view::SeenNode;
use podlift_model::{Epoch, NodeName, OpId, OpOutcome, OpOutput};
use std::time::Duration;

/// What was undone, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    pub undone: Vec<String>,
    pub left: Vec<String>,
}

/// Number of tries of one undo.
const TRIES: u32 = 5;

/// Undoes what the run did and has not undone itself, for one node or for all.
pub(crate) async fn undo(
    p: &Performer,
    s: &RunState,
    epoch: &Epoch,
    only: Option<&NodeName>,
    poll: Duration,
) -> Undone {
    let mut out = Undone::default();
    let mine =
        |x: &&StepSpec| only.is_none_or(|n| x.node.as_ref() == Some(n)) && attempted(s, x) && !returned(s, x);
    for step in s.plan.steps().filter(mine) {
        match one(p, s, step, epoch, poll).await {
            None => {}
            Some(Ok(line)) => out.undone.push(line),
            Some(Err(why)) => out.left.push(format!("{} could not be undone: {why}", step.id)),
        }
    }
    out
}

fn attempted(s: &RunState, step: &StepSpec) -> bool {
    s.steps.get(&step.id).is_some_and(|x| x.attempts > 0)
}

/// Whether the step that reverses `step` is done.
fn returned(s: &RunState, step: &StepSpec) -> bool {
    let Some(counterpart) = step.kind.step().counterpart() else { return false };
    let of_lane = |x: &&StepSpec| x.node == step.node && x.phase == step.phase;
    let back = s.plan.steps().filter(of_lane).find(|x| x.kind.step().verb() == counterpart);
    back.is_some_and(|x| matches!(s.steps[&x.id].status, StepStatus::Done { .. }))
}

async fn one(
    p: &Performer,
    s: &RunState,
    step: &StepSpec,
    epoch: &Epoch,
    poll: Duration,
) -> Option<Result<String, String>> {
    let cx = Cx { state: s, step, ahead: 0, acted: true };
    let act = step.kind.step().undo(&cx)?;
    let mut why = String::new();
    for number in 1..=TRIES {
        // A repeated undo is harmless, so each try may have its own id.
        let op_id = OpId::new(format!("{}-s{:04}-u{number}", s.run, step.number)).ok()?;
        let claimed = match act.node() {
            Some(node) => p.claim(node, epoch).await,
            None => Ok(()),
        };
        let acted = match claimed {
            Ok(()) => p.act(&act, &op_id, epoch).await,
            Err(failure) => Acted::NotKnown(failure),
        };
        why = match acted {
            Acted::Ended(OpOutcome::Done { output }) => return Some(Ok(line(step, &output))),
            Acted::Ended(OpOutcome::Failed { failure })
            | Acted::NotKnown(failure)
            | Acted::Fenced(failure) => failure.message,
            Acted::Ended(OpOutcome::Indeterminate { why }) => why,
        };
        tokio::time::sleep(poll * number).await;
    }
    Some(Err(why))
}

fn line(step: &StepSpec, output: &OpOutput) -> String {
    let node = step.node.as_ref().map_or(String::new(), ToString::to_string);
    match output {
        OpOutput::Changed(text) | OpOutput::Unchanged(text) => format!("{node}: {text}"),
        _ => format!("{node}: {} undone", step.kind.step().verb()),
    }
}

/// What an abort leaves unchanged, for the person who continues.
pub(super) fn remains(s: &RunState, seen: &[SeenNode]) -> Vec<String> {
    let mut out = Vec::new();
    for entry in &s.plan.inventory.nodes {
        let facts = seen
            .iter()
            .find(|n| n.facts.node == entry.name)
            .map(|n| n.facts.as_ref())
            .or(entry.facts.as_ref());
        let Some(facts) = facts else { continue };
        let packages: Vec<String> = facts
            .packages
            .iter()
            .filter_map(|(name, p)| {
                Some(format!(
                    "{name} {}{}",
                    p.version.as_ref()?,
                    if p.held { ", held" } else { ", not held" }
                ))
            })
            .collect();
        let kubelet = facts.kubelet.map_or("unknown".into(), |v| v.to_string());
        out.push(format!("{}: kubelet binary {kubelet}; packages {}", entry.name, packages.join("; ")));
    }
    let acted = s.plan.steps().filter(|x| s.steps[&x.id].ever_acted);
    out.extend(acted.filter_map(|x| x.kind.step().remains()).map(String::from));
    if let Some(seal) = &s.seal {
        out.push(format!(
            "backup {} stays on the control-plane nodes in /var/lib/podlift/backup/{}",
            seal.hash.short(),
            s.run
        ));
    }
    out
}
