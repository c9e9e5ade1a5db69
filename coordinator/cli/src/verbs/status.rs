//! `podlift status`: the fleet, or everything about one node.

use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::render::status::Shown;
use crate::{Context, render};
use podlift_engine::view::{self, NodeDetail};

/// Show the newest run and the fleet, or everything about one node.
///
/// Rows that need a person come first: failed, waiting, working, stale. Each row has the age of its facts: "stale" means older than three
/// heartbeats, "gone" means that the agent is not connected. On a terminal status shows as many rows as fit.
///
/// A selector has Kubernetes' syntax: =, ==, !=, in (a,b), notin (a,b), key, !key, joined by commas. Keys are name, role, state, version
/// (of the kubelet), connected, stale and guard; any other key is a label of the node as the cluster had it when the plan was made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift status
  podlift status runai-01 --events 50        # everything about one node
  podlift status -l state=failed             # failed nodes only
  podlift status --selector 'role=worker,rack in (r1,r2),!gpu' -o wide
  podlift status --slowest                   # the ten nodes that take longest, and the usual time
  podlift status -o json")]
pub(crate) struct Status {
    /// Show everything about this node.
    #[arg(conflicts_with_all = ["selector", "all", "slowest"])]
    node: Option<podlift_model::NodeName>,
    /// Id of the run; the newest by default.
    #[arg(long)]
    run: Option<String>,
    /// Show only nodes that match.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Show every row, even if the terminal is too small for them.
    #[arg(long)]
    all: bool,
    /// Show the N nodes that take longest, each with the usual time of its class, and "late" where it takes much longer than that; then the
    /// median and the 95th percentile of the nodes that are upgraded. Ten by default.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10", conflicts_with = "all", value_parser = nodes)]
    slowest: Option<usize>,
    /// Number of the node's last events to show; 20 by default.
    #[arg(long, requires = "node", value_name = "N")]
    events: Option<u32>,
}

const EVENTS: u32 = 20;

fn nodes(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a number of nodes from 1, for example 10".into())
}

impl Status {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.node.clone() {
            Some(name) => self.node(name, context).await,
            None => self.fleet(context).await,
        }
    }

    async fn node(self, name: podlift_model::NodeName, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.node(name, self.run, self.events.unwrap_or(EVENTS)).await?;
        let render = |detail: &NodeDetail| render::node::node(detail, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }

    async fn fleet(self, context: &Context) -> Result<Exit, CliError> {
        let selector = self.selector.unwrap_or_default();
        let answer = context.client().await?.status(self.run, selector.clone()).await?;
        let shown = Shown { wide: context.format == Format::Wide, all: self.all };
        let render = |seen: &view::Status| match self.slowest {
            Some(most) => render::slowest::slowest(seen, most, Screen::of_stdout()),
            None => render::status::status(seen, shown, Screen::of_stdout()),
        };
        out::data(&context.shown(&answer, render)?)?;
        match selector.trim().is_empty() {
            true => Ok(Exit::Done),
            false => matched(&answer.view()?),
        }
    }
}

/// A selector without a match is most likely a mistake, so it is an error of usage.
fn matched(status: &view::Status) -> Result<Exit, CliError> {
    match &status.selection {
        Some(s) if s.matched == 0 => Err(CliError::usage(
            format!("selector {:?} matches none of {}", s.selector, podlift_model::count(s.of, "node")),
            format!("keys that exist: {}", s.keys.join(", ")),
            "podlift status --all -o wide",
        )),
        Some(_) => Ok(Exit::Done),
        None => Err(CliError::new(
            Exit::Failed,
            "the coordinator has ignored the selector",
            "the coordinator is an older podlift than this command line",
            "apt-get install --only-upgrade podlift",
        )),
    }
}
