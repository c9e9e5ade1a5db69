//! What the form of a file can't say: steps that do something, and nodes that the cluster has.

use super::{ALL_SERVERS, Scenario, Step, When};
use crate::bad_input::BadInput;
use crate::doubles::HEAD;
use crate::world::Shape;
use crate::world::bcm::build::IMAGES;
use std::collections::BTreeSet;

pub fn check(scenario: &Scenario, shape: &Shape) -> Result<(), BadInput> {
    let name = &scenario.name;
    if scenario.typed().next().is_none() {
        return Err(BadInput(format!(
            "scenario {name} has no command: expected a step with podlift = [...]"
        )));
    }
    if let Some(i) = scenario.steps.iter().position(idle) {
        let text = format!("scenario {name}: step {} does nothing: expected podlift, do or until", i + 1);
        return Err(BadInput(text));
    }
    let known: BTreeSet<&String> = shape.nodes().collect();
    // The head, and images by their paths, are no nodes of the cluster.
    let place = |n: &str| n == HEAD || n.starts_with(IMAGES);
    match named(scenario).into_iter().find(|n| !known.contains(n) && !place(n)) {
        Some(node) => Err(BadInput(format!(
            "scenario {name} is about node {node}, and a cluster of {} control-plane nodes and {} workers has no such node: expected more of them with --control-planes or --workers",
            shape.control_planes.len(),
            shape.workers.len()
        ))),
        None => Ok(()),
    }
}

fn idle(step: &Step) -> bool {
    step.podlift.is_empty() && step.actions.is_empty() && step.until.is_none()
}

fn named(s: &Scenario) -> BTreeSet<&String> {
    let steps = s.steps.iter().flat_map(|step| &step.actions);
    let events = s.events.iter().flat_map(|e| &e.actions);
    let actions = s.before.iter().chain(events).chain(steps).flat_map(super::Action::nodes);
    let problems = s.problems.iter().flat_map(|p| p.actions.iter().chain(&p.later).chain(&p.near_do));
    let actions = actions.chain(problems.flat_map(super::Action::nodes));
    let found = s.problems.iter().flat_map(|p| &p.finds).filter_map(|f| f.on.as_ref());
    let conditions = s.events.iter().map(|e| &e.when).chain(s.steps.iter().filter_map(|x| x.until.as_ref()));
    let lists = [&s.cluster.cordoned, &s.cluster.conffile, &s.expect.healed, &s.expect.deferred];
    let expect = &s.expect;
    let lists = lists
        .into_iter()
        .chain([&expect.cordoned, &expect.kept_cordon, &expect.lost, &expect.set_aside])
        .flatten();
    let lists = lists.chain(&s.cluster.without_agent).chain(found);
    let all = actions.chain(conditions.filter_map(node_of)).chain(lists);
    all.filter(|n| *n != ALL_SERVERS).collect()
}

fn node_of(when: &When) -> Option<&String> {
    match when {
        When::Effect(e) => e.node.as_ref(),
        When::Journal(r) => r.node.as_ref(),
        When::File(f) => Some(&f.node),
        When::Api { node, .. }
        | When::Store { node, .. }
        | When::Writer { node, .. }
        | When::Listens { node, .. } => Some(node),
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    #[test]
    fn a_node_that_is_not_there_is_named() {
        let scenario = find("reboot-mid-kubeadm").unwrap();
        let shape = Shape { control_planes: vec!["runai-01".into()], ..Shape::default() };
        let said = check(&scenario, &scenario.shape(shape)).unwrap_err().to_string();
        assert!(said.contains("runai-02") && said.contains("1 control-plane nodes"), "{said}");
    }

    #[test]
    fn a_step_that_does_nothing_is_named() {
        let mut scenario = find("bad-night").unwrap();
        scenario.steps.push(Step::default());
        let said = check(&scenario, &Shape::default()).unwrap_err().to_string();
        assert!(said.contains("step 5 does nothing"), "{said}");
    }
}
