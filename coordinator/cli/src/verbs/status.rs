//! `podlift status`: the fleet, or one node with everything that is known of it.

use crate::error::{CliError, Exit};
use crate::out::{self, Format, Screen};
use crate::render::status::Shown;
use crate::{Context, render};
use podlift_engine::view::{self, NodeDetail, node, status};
use podlift_proto::v1::{NodeRequest, StatusRequest};

/// Show the newest run and the fleet, or everything about one node.
///
/// Rows that need a person come first: failed, waiting, working, stale. Each carries the age of what it shows; rows older than three
/// heartbeats say "stale", those of agents that are not connected say "gone". On a terminal as many rows are shown as fit.
///
/// A selector has Kubernetes' syntax: =, ==, !=, in (a,b), notin (a,b), key, !key, joined by commas. Keys are name, role, state, version
/// (of the kubelet), connected, stale and guard; any other key is a label of the node as the cluster had it when the plan was made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift status
  podlift status runai-01 --events 50        # everything about one node
  podlift status -l state=failed             # those only
  podlift status --selector 'role=worker,rack in (r1,r2),!gpu' -o wide
  podlift status -o json")]
pub(crate) struct Status {
    /// Everything about this node.
    #[arg(conflicts_with_all = ["selector", "all"])]
    node: Option<podlift_model::NodeName>,
    /// Another run than the newest.
    #[arg(long)]
    run: Option<String>,
    /// Only nodes that match.
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Every row, also where the terminal is too small for them.
    #[arg(long)]
    all: bool,
    /// How many of the node's last events are shown; 20 by default.
    #[arg(long, requires = "node", value_name = "N")]
    events: Option<u32>,
}

const EVENTS: u32 = 20;

impl Status {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.node.clone() {
            Some(name) => self.node(name, context).await,
            None => self.fleet(context).await,
        }
    }

    async fn node(self, name: podlift_model::NodeName, context: &Context) -> Result<Exit, CliError> {
        let request = NodeRequest {
            node: name.into(),
            run: self.run.unwrap_or_default(),
            events: self.events.unwrap_or(EVENTS),
        };
        let document = context.client().await?.node(request).await?.into_inner();
        let people = |detail: &NodeDetail| render::node::node(detail, Screen::of_stdout());
        out::data(&context.shown(node::SCHEMA, &document, people)?)?;
        Ok(Exit::Done)
    }

    async fn fleet(self, context: &Context) -> Result<Exit, CliError> {
        let selector = self.selector.unwrap_or_default();
        let request = StatusRequest { run: self.run.unwrap_or_default(), selector: selector.clone() };
        let document = context.client().await?.status(request).await?.into_inner();
        let shown = Shown { wide: context.format == Format::Wide, all: self.all };
        let people = |seen: &view::Status| render::status::status(seen, shown, Screen::of_stdout());
        out::data(&context.shown(status::SCHEMA, &document, people)?)?;
        match selector.trim().is_empty() {
            true => Ok(Exit::Done),
            false => matched(&context.read(status::SCHEMA, &document)?),
        }
    }
}

/// A selector that leaves nothing is most likely a mistake.
fn matched(status: &view::Status) -> Result<Exit, CliError> {
    match &status.selection {
        Some(s) if s.matched == 0 => Err(CliError::usage(
            format!("selector {:?} matches none of {} nodes", s.selector, s.of),
            format!("keys that exist: {}", s.keys.join(", ")),
            "podlift status --all -o wide",
        )),
        Some(_) => Ok(Exit::Done),
        None => Err(CliError::new(
            Exit::Failed,
            "the selector was not heeded",
            "the coordinator is an older podlift than this one",
            "apt-get install --only-upgrade podlift-coordinator",
        )),
    }
}
