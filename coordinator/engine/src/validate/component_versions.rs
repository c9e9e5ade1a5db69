//! The three components of each control-plane node serve at the version, as the node's own agent sees them.

use super::check::{Check, Verdict, failed, open, passed, unseen};
use super::{Group, Scene};
use crate::program::Severity;
use podlift_model::op::Component;
use podlift_model::{KubeVersion, count};
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "component-versions",
    title: "API servers, controller-managers and schedulers serve at the version",
    group: Group::Versions,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "podlift status -o wide";

fn judge(scene: &Scene) -> Verdict {
    if scene.components.is_empty() {
        return open("no agent of a control-plane node has reported its components", NEXT);
    }
    let mut faults = vec![];
    let mut versions: BTreeSet<KubeVersion> = BTreeSet::new();
    for (node, seen) in &scene.components {
        let Ok(states) = seen else { continue };
        for component in Component::ALL.iter().copied() {
            let Some(state) = states.iter().find(|state| state.component == component) else {
                faults.push(format!("{node}: {component} has no manifest"));
                continue;
            };
            versions.extend(state.running);
            match state.running {
                None => faults.push(format!("{node}: {component} does not run")),
                Some(is) if scene.version.is_some_and(|wanted| wanted != is) => {
                    faults.push(format!("{node}: {component} is {is}"));
                }
                Some(_) if !state.serves() => {
                    faults.push(format!("{node}: {component} does not serve: {}", first(&state.answer)));
                }
                Some(_) if !state.flags_match => {
                    faults.push(format!("{node}: {component} runs with other flags than its manifest has"));
                }
                Some(_) => {}
            }
        }
    }
    if scene.version.is_none() && versions.len() > 1 {
        let all: Vec<String> = versions.iter().map(ToString::to_string).collect();
        faults.push(format!("the components have several versions: {}", all.join(", ")));
    }
    let away = unseen(&scene.components);
    match (faults.is_empty(), away.is_empty()) {
        (false, _) => failed(faults, NEXT).and(away),
        (true, false) => open("not every node could be asked", NEXT).and(away),
        (true, true) => {
            let all: Vec<String> = versions.iter().map(ToString::to_string).collect();
            passed(format!(
                "{} components on {} serve at {}",
                Component::ALL.len() * scene.components.len(),
                count(scene.components.len(), "node"),
                all.join(", ")
            ))
        }
    }
}

fn first(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}
