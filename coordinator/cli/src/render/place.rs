//! Where a step works, as people read it: its node, the head node, or the cluster as a whole.

use podlift_engine::machine::Event;
use podlift_engine::program::Program;
use podlift_model::{NodeName, StepId};

/// Phases whose steps run BCM's tools on the head node.
const OF_HEAD: [&str; 2] = ["images", "bcm"];
/// A step of other phases that does.
const LEARN_CONFIG: &str = "learn-config";

/// The head node of a run; `None` if it does not ask BCM.
pub(crate) fn head(plan: &Program) -> Option<&NodeName> {
    plan.bcm.as_ref().map(|bcm| &bcm.head)
}

/// The head node of the run that this event begins.
pub(crate) fn head_of(event: &Event) -> Option<NodeName> {
    match event {
        Event::RunStarted { plan, .. } => head(plan).cloned(),
        _ => None,
    }
}

/// (place, verb) of `phase/node/verb` or `phase/verb`. A step of the head node has its name, or `head` if the reader does not know it.
pub(crate) fn of<'a>(id: &'a StepId, head: Option<&'a NodeName>) -> (&'a str, &'a str) {
    let parts: Vec<&str> = id.as_str().split('/').collect();
    match parts.as_slice() {
        [_, node, verb] => (*node, *verb),
        [phase, verb] if OF_HEAD.contains(phase) || *verb == LEARN_CONFIG => {
            (head.map_or("head", |head| head.as_str()), *verb)
        }
        [_, verb] => ("cluster", *verb),
        _ => ("cluster", id.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_head_node_has_its_name() {
        let head = NodeName::new("head-01").unwrap();
        for (id, known, place, verb) in [
            ("workers/dgx030/sync", true, "dgx030", "sync"),
            ("images/image-clone-dgx-image-k8s-1.32.9", true, "head-01", "image-clone-dgx-image-k8s-1.32.9"),
            ("images/image-lock-a", false, "head", "image-lock-a"),
            ("bcm/bcm-version", true, "head-01", "bcm-version"),
            ("root-cause/learn-config", true, "head-01", "learn-config"),
            ("root-cause/repair-config", true, "cluster", "repair-config"),
            ("addons/addons", true, "cluster", "addons"),
        ] {
            let step = StepId::new(id).unwrap();
            assert_eq!(of(&step, known.then_some(&head)), (place, verb), "{id}");
        }
    }
}
