//! How the run proceeds where that differs from the usual, and the nodes that it leaves out.

use super::names;
use podlift_engine::doors::DrainOptions;
use podlift_engine::program::{PlanOptions, Program};
use podlift_model::NodeName;
use std::collections::BTreeMap;

/// The nodes that are left out, by reason.
pub(super) fn left_out(plan: &Program, all: bool) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&NodeName>> = BTreeMap::new();
    for out in &plan.left_out {
        by_reason.entry(&out.why).or_default().push(&out.node);
    }
    let lines: String =
        by_reason.iter().map(|(why, nodes)| format!("  {}: {why}\n", names(nodes, all))).collect();
    match plan.left_out.len() {
        0 => String::new(),
        n => format!(
            "{} {} left out of the run:\n{lines}\n",
            podlift_model::count(n, "node"),
            podlift_model::agree(n, "is", "are")
        ),
    }
}

/// Options that differ from the default, a line each.
pub(super) fn options(plan: &Program) -> String {
    let lines: String = unusual(&plan.options).into_iter().map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { lines } else { format!("Options:\n{lines}\n") }
}

fn unusual(options: &PlanOptions) -> Vec<String> {
    let usual = PlanOptions::default();
    let mut lines = Vec::new();
    if let Some(limit) = options.max_failed {
        lines.push(format!("--max-failed {limit}: the run pauses when so many workers have failed"));
    }
    if options.skip_unready {
        lines.push(
            "--skip-unready: workers that are away, not Ready or cordoned by others are left out".into(),
        );
    }
    lines.extend(options.without.iter().map(|what| format!("--without {what}")));
    if options.fetch_parallel != usual.fetch_parallel {
        lines.push(format!("--max-fetch {}: so many nodes fetch at the same time", options.fetch_parallel));
    }
    if !options.step_aside {
        lines.push("--no-step-aside: clients may see failed requests while an API server restarts".into());
    }
    if !options.images {
        lines.push(
            "[bcm] images = false: packages go to the disks of the nodes, and the next sync from an image takes them back"
                .into(),
        );
    }
    lines.extend(drain(&options.drain));
    lines
}

fn drain(options: &DrainOptions) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(seconds) = options.grace_period_seconds {
        lines.push(format!(
            "--grace-period {seconds}: every pod has {seconds} s to end, whatever it asks for"
        ));
    }
    if options.skip_wait_for_delete_seconds > 0 {
        let seconds = options.skip_wait_for_delete_seconds;
        lines.push(format!(
            "--skip-wait-for-delete-timeout {seconds}: pods that terminate for longer than {seconds} s are not waited for"
        ));
    }
    if options.disable_eviction {
        lines.push("--disable-eviction: pods are deleted, and no disruption budget protects them".into());
    }
    if options.force {
        lines.push("--force: pods that no controller makes again are removed, too".into());
    }
    lines
}
