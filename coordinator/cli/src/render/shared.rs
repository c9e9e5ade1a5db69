//! One line for a phase in which many nodes do the same beside each other, instead of a few lines for each node: `packages and images: 128
//! of 2,000 nodes, 64 at once`. Failures and waits keep their own lines.

use super::numbers::grouped;
use podlift_engine::machine::{Event, RunState};
use podlift_model::{NodeName, StepId};
use std::collections::BTreeSet;

/// Phases with fewer nodes are shown step by step.
const MANY: usize = 24;
/// How many shared lines a phase prints, at most.
const LINES: usize = 20;
/// The phase that fetches packages and images.
const PRE_STAGE: &str = "pre-stage";

/// How an event is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// With a line of its own.
    Own,
    /// With the line of its phase, which is printed now if it is there.
    Shared(Option<String>),
}

/// The nodes of the phase that are done.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    phase: Option<Totals>,
    done: BTreeSet<NodeName>,
    /// Number of nodes in the line that was printed last.
    printed: usize,
}

#[derive(Debug)]
struct Totals {
    nodes: usize,
    at_once: usize,
    /// True while the run is in this phase.
    now: bool,
}

impl Shared {
    /// Takes an event of the run whose state is `state` after it.
    pub fn take(&mut self, event: &Event, state: &RunState) -> Line {
        let now = state.phase().is_some_and(|phase| phase.name == PRE_STAGE);
        let totals = self.phase.get_or_insert_with(|| totals(state));
        totals.now = now;
        let nodes = totals.nodes;
        let Some(step) = quiet(event).filter(|_| nodes > MANY) else { return Line::Own };
        let Some(spec) = state.spec(step).filter(|spec| spec.phase == PRE_STAGE) else { return Line::Own };
        let Some(node) = &spec.node else { return Line::Own };
        let mut mine = state.steps_of(node).filter(|(spec, _)| spec.phase == PRE_STAGE);
        if matches!(event, Event::StepDone { .. }) && mine.all(|(_, step)| step.is_over()) {
            self.done.insert(node.clone());
        }
        let done = self.done.len();
        let due = done == nodes || done >= self.printed + nodes.div_ceil(LINES);
        if done == self.printed || !due {
            return Line::Shared(None);
        }
        self.printed = done;
        Line::Shared(self.text())
    }

    /// The line of the phase while the run is in it; `None` in other phases, and where the phase has few nodes.
    pub fn line(&self) -> Option<String> {
        self.phase.as_ref().filter(|totals| totals.now)?;
        self.text()
    }

    fn text(&self) -> Option<String> {
        let totals = self.phase.as_ref().filter(|totals| totals.nodes > MANY)?;
        let (done, nodes) = (grouped(self.done.len()), grouped(totals.nodes));
        // Always more than one.
        Some(format!("packages and images: {done} of {nodes} nodes, {} at once", totals.at_once))
    }
}

fn totals(state: &RunState) -> Totals {
    let phase = state.plan.phases.iter().find(|phase| phase.name == PRE_STAGE);
    let lanes = phase.into_iter().flat_map(|phase| &phase.lanes);
    let nodes: BTreeSet<&NodeName> = lanes.filter_map(|lane| lane.node.as_ref()).collect();
    let at_once = phase.map_or(0, |phase| phase.parallel as usize).min(nodes.len());
    Totals { nodes: nodes.len(), at_once, now: false }
}

/// The step of an event that needs no line of its own.
fn quiet(event: &Event) -> Option<&StepId> {
    match event {
        Event::StepStarted { step, attempt: 1, .. }
        | Event::OpEnded { step, outcome: podlift_model::OpOutcome::Done { .. }, .. }
        | Event::StepDone { step, .. } => Some(step),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_engine::goals::build;
    use podlift_engine::machine::{Next, apply, next};
    use podlift_engine::program::{Evidence, Program};
    use podlift_engine::testing::{input, name};

    /// A plan whose fleet has this many workers more.
    fn plan(workers: usize) -> Program {
        let mut i = input();
        let like = i.inventory.get(&name("dgx030")).unwrap().clone();
        for n in 0..workers {
            let mut entry = like.clone();
            let node = name(&format!("dgx1{n:03}"));
            (entry.name, entry.view.name) = (node.clone(), node);
            i.inventory.nodes.push(entry);
        }
        i.inventory.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        build(&i).unwrap()
    }

    /// What is printed until the phase is over: lines of its own, and lines of the phase.
    fn printed(plan: Program) -> (usize, Vec<String>) {
        let (run, at) = ("r1".parse().unwrap(), "2026-11-22T01:00:00Z".parse().unwrap());
        let mut shared = Shared::default();
        let started = Event::RunStarted { plan: Box::new(plan), by: "eve".into() };
        let mut state = apply(None, &run, at, &started).unwrap();
        let (mut own, mut lines) = (0, Vec::new());
        while let Next::Drive(todo) = next(&state) {
            let spec = todo[0].step.clone();
            if !matches!(spec.phase.as_str(), "backup" | "root-cause" | PRE_STAGE) {
                return (own, lines);
            }
            let done = Event::StepDone { step: spec.id, evidence: Evidence::Seen { what: "there".into() } };
            state = apply(Some(state), &run, at, &done).unwrap();
            match shared.take(&done, &state) {
                Line::Own if spec.phase == PRE_STAGE => own += 1,
                Line::Own => {}
                Line::Shared(line) => lines.extend(line),
            }
        }
        panic!("the run does not go on");
    }

    #[test]
    fn a_large_fleet_has_one_line_that_grows_and_a_small_one_its_steps() {
        let mut large = plan(200);
        for phase in &mut large.phases {
            phase.parallel = 64;
        }
        let (own, lines) = printed(large);
        assert_eq!(own, 0);
        assert!(lines.len() <= LINES + 1, "{lines:#?}");
        let nodes = 200 + input().inventory.nodes.len();
        assert_eq!(
            lines.last().unwrap(),
            &format!("packages and images: {nodes} of {nodes} nodes, 64 at once"),
            "{lines:#?}"
        );
        let (own, lines) = printed(plan(0));
        assert!(own > 7 && lines.is_empty(), "{own} {lines:?}");
    }
}
