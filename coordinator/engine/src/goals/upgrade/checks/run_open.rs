//! Another run is open: it changes what this plan depends on, so the plan is outdated as soon as it is made.

use super::View;
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "run-open";

pub fn check(view: &View) -> Vec<Finding> {
    let open = view.input.open_run.iter().map(|run| {
        let evidence = format!(
            "run {run} is open, and it changes what this plan depends on: this plan can't be run, and shows the cluster in the middle of that run"
        );
        finding(ID, Severity::Blocker, None, evidence, "podlift status")
    });
    open.collect()
}
