//! Arguments that plan, upgrade and repair share: which nodes, in which order, how many at once, and how they are drained.

mod drain;
mod order;
#[cfg(test)]
mod tests;

use drain::Drain;
use order::Order;
use podlift_client::{Goal, PlanQuery, RunOptions};
use podlift_engine::program::Limit;
use podlift_model::NodeName;

/// Names of the arguments, which a plan from a file excludes, because the file has them already.
pub(super) const NAMES: [&str; 17] = [
    "max_unavailable",
    "nodes",
    "waivers",
    "max_failed",
    "without",
    "skip_unready",
    "grace_period",
    "skip_wait_for_delete_timeout",
    "disable_eviction",
    "force",
    "max_fetch",
    "no_step_aside",
    "canary",
    "canary_soak",
    "grow",
    "order",
    "windows",
];

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// Only this node; may be repeated. All nodes by default.
    #[arg(long = "node", value_name = "NODE")]
    nodes: Vec<NodeName>,
    /// Leave out this worker, or all workers with these labels; may be repeated. They are deferred, and the report names them.
    #[arg(long, value_name = "NODE|SELECTOR", value_parser = some_words)]
    without: Vec<String>,
    /// Leave out workers that are away, not Ready, or cordoned by others when the plan is made.
    #[arg(long)]
    skip_unready: bool,
    /// Waive a check, or one item of it, with the reason that the report will show; may be repeated. A lost flag is an item of its own:
    /// flag-loss/NODE/FLAG.
    #[arg(long = "waive", value_name = "CHECK[/NODE/FLAG]=REASON", value_parser = waiver)]
    waivers: Vec<(String, String)>,
    /// Nodes that fetch packages and images at the same time. The configured number by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_fetch: Option<u32>,
    /// Never refuse new connections to an API server before it restarts.
    #[arg(long)]
    no_step_aside: bool,
    #[command(flatten)]
    order: Order,
    #[command(flatten)]
    drain: Drain,
}

/// A number of workers that may be unavailable, or a share of them.
pub(super) fn workers(text: &str) -> Result<Limit, String> {
    text.parse().map_err(|_| {
        "expected a number of workers from 1, for example 8, or a share of them from 1% to 100%, for example 5%: with 0 no worker could be upgraded"
            .into()
    })
}

fn some_words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a node or a label selector, for example dgx031 or rack=r7".into()),
        words => Ok(words.into()),
    }
}

fn waiver(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((_, reason)) if reason.trim().trim_matches('"') == "REASON" => {
            Err("REASON stands for your own words: write why the run may go on".into())
        }
        Some((check, reason)) if !check.is_empty() && !reason.trim().is_empty() => {
            Ok((check.into(), reason.into()))
        }
        _ => Err("expected CHECK=REASON or CHECK/NODE/FLAG=REASON, for example flag-loss/runai-01/audit-log-maxsize=\"repaired by hand\"".into()),
    }
}

impl Target {
    pub fn query(&self, goal: Goal) -> PlanQuery {
        let options = RunOptions {
            max_unavailable: self.order.max_unavailable,
            max_failed: self.order.max_failed,
            without: self.without.clone(),
            skip_unready: self.skip_unready,
            drain: self.drain.options(),
            fetch_parallel: self.max_fetch,
            no_step_aside: self.no_step_aside,
            resume_deferred: false,
            canary: self.order.canary,
            canary_soak_seconds: self.order.canary_soak,
            grow: self.order.grow,
            order: self.order.order.map(Into::into),
            windows: self.order.windows.clone(),
        };
        let issues = Vec::new();
        PlanQuery { goal, waivers: self.waivers.clone(), nodes: self.nodes.clone(), issues, options }
    }
}
