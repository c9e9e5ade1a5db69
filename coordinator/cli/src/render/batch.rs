//! A batch of nodes, and what the run waits for before it chooses one, in a sentence each.

use super::folded::within;
use super::{clock, jobs, numbers};
use jiff::Timestamp;
use podlift_engine::machine::{BatchWait, ChosenBatch};
use podlift_model::NodeName;

/// Characters for the names of the nodes, and jobs that are named.
const NAMES: usize = 60;
const JOBS: usize = 3;

/// `dgx[034-037]: WHY; interrupts runai/PyTorchJob/llm with 12.4 GPU-hours of work`. A lane of the cluster as a whole has no nodes.
pub(crate) fn of(nodes: &[NodeName], why: &str, interrupts: &[String], gpu_seconds: u64) -> String {
    let names = if nodes.is_empty() { "the cluster".into() } else { within(nodes, NAMES) };
    let loss = match gpu_seconds {
        0 => String::new(),
        seconds => format!(" with {} of work", numbers::gpu_hours(numbers::of_seconds(seconds))),
    };
    match interrupts.is_empty() {
        true => format!("{names}: {why}"),
        false => format!("{names}: {why}; interrupts {}{loss}", jobs::some(interrupts, JOBS)),
    }
}

/// `batch 3: dgx[034-037]: WHY`.
pub(crate) fn chosen(batch: &ChosenBatch) -> String {
    format!("batch {}: {}", batch.number, of(&batch.nodes, &batch.why, &batch.interrupts, batch.gpu_seconds))
}

/// `WHY, until 22:00 (UTC)`.
pub(crate) fn waits(wait: &BatchWait, now: Timestamp) -> String {
    match wait.until {
        Some(at) => format!("{}, until {}", wait.why, clock::until(at, now)),
        None => wait.why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_says_which_nodes_why_and_what_it_costs() {
        let nodes: Vec<NodeName> = ["dgx030", "dgx031"].map(|n| n.parse().unwrap()).into();
        let jobs = ["runai/PyTorchJob/llm".to_string()];
        assert_eq!(of(&nodes, "no job runs on them", &[], 0), "dgx[030-031]: no job runs on them");
        assert_eq!(
            of(&nodes, "least loss", &jobs, 44_640),
            "dgx[030-031]: least loss; interrupts runai/PyTorchJob/llm with 12.4 GPU-hours of work"
        );
        assert_eq!(
            of(&[], "next in the order of the plan", &[], 0),
            "the cluster: next in the order of the plan"
        );
    }

    #[test]
    fn a_wait_says_until_when_if_that_is_known() {
        let now = "2026-11-22T20:15:00Z".parse().unwrap();
        let wait = |until: Option<&str>| BatchWait {
            why: "the window is closed".into(),
            until: until.map(|at| at.parse().unwrap()),
        };
        assert_eq!(waits(&wait(None), now), "the window is closed");
        assert_eq!(
            waits(&wait(Some("2026-11-22T21:00:00Z")), now),
            "the window is closed, until 21:00 (UTC)"
        );
    }
}
