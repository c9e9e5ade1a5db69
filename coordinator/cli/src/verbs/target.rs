//! Arguments that plan, upgrade and repair share: which nodes, how many at once, and how they are drained.

use podlift_client::{Goal, PlanQuery, RunOptions};
use podlift_engine::doors::DrainOptions;
use podlift_engine::program::Limit;
use podlift_model::NodeName;

/// Names of the arguments, which a plan from a file excludes, because the file has them already.
pub(super) const NAMES: [&str; 12] = [
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
];

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// Workers that may be unavailable at once, including those that already are: a number, or a share of the run's workers. As configured
    /// by default.
    #[arg(long, value_name = "N|P%", value_parser = workers)]
    max_unavailable: Option<Limit>,
    /// Pause when this many workers have failed: a number, or a share of the run's workers. By default at the first failure until the first
    /// workers are over, then at 5%.
    #[arg(long, value_name = "N|P%")]
    max_failed: Option<Limit>,
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
    drain: Drain,
}

/// How nodes are drained, as `kubectl drain` has it. Each of these weakens the drain; the journal and the report contain it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Drain")]
struct Drain {
    /// Seconds that each pod has to end, instead of its own terminationGracePeriodSeconds.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(i64).range(0..))]
    grace_period: Option<i64>,
    /// Do not wait for pods that have been terminating for longer than this.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    skip_wait_for_delete_timeout: Option<u32>,
    /// Delete pods instead of evicting them. No disruption budget and no webhook of evictions is asked.
    #[arg(long)]
    disable_eviction: bool,
    /// Also remove pods that no controller makes again.
    #[arg(long)]
    force: bool,
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
            max_unavailable: self.max_unavailable,
            max_failed: self.max_failed,
            without: self.without.clone(),
            skip_unready: self.skip_unready,
            drain: self.drain.options(),
            fetch_parallel: self.max_fetch,
            no_step_aside: self.no_step_aside,
            resume_deferred: false,
        };
        PlanQuery { goal, waivers: self.waivers.clone(), nodes: self.nodes.clone(), options }
    }
}

impl Drain {
    fn options(&self) -> DrainOptions {
        DrainOptions {
            grace_period_seconds: self.grace_period,
            skip_wait_for_delete_seconds: self.skip_wait_for_delete_timeout.unwrap_or(0),
            disable_eviction: self.disable_eviction,
            force: self.force,
        }
    }
}
