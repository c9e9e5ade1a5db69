//! What a person has to know of a run beside its state: nodes that are finished although it is paused, options that were changed, and
//! workers without which it goes on.

use podlift_engine::view::status::FailedNode;
use podlift_engine::view::{NodeRow, RunSummary};
use std::fmt::Write as _;

/// Failed workers that are shown one by one.
const SHOWN: usize = 5;

pub(super) fn progress(run: &RunSummary, rows: &[NodeRow]) -> String {
    let mut out = String::new();
    if run.finishing {
        let begun = rows.iter().filter(|row| row.state == "working").count();
        let nodes = match begun {
            0 => "nodes that have begun are finished".into(),
            n => {
                let (has, is) =
                    (podlift_model::agree(n, "has", "have"), podlift_model::agree(n, "is", "are"));
                format!("{} that {has} begun {is} finished", podlift_model::count(n, "node"))
            }
        };
        let _ = writeln!(out, "  {nodes}, and no other begins; podlift pause --now stops them, too");
    }
    if let Some(number) = run.max_unavailable {
        let _ = writeln!(out, "  max-unavailable was set to {number} during the run");
    }
    out + &failed(&run.failed)
}

fn failed(all: &[FailedNode]) -> String {
    let mut out = match all.len() {
        0 => return String::new(),
        n => format!(
            "  {} failed, and the run goes on without {}:\n",
            podlift_model::count(n, "worker"),
            podlift_model::agree(n, "it", "them")
        ),
    };
    for node in all.iter().take(SHOWN) {
        let left = if node.cordoned { "left cordoned" } else { "not cordoned" };
        let message = node.reason.message.lines().next().unwrap_or_default();
        let _ = writeln!(out, "    {} ({left}): {message}", node.name);
    }
    if all.len() > SHOWN {
        let _ = writeln!(out, "    and {} more: podlift status --selector state=failed", all.len() - SHOWN);
    }
    let _ = writeln!(out, "  next for them: podlift retry");
    out
}
