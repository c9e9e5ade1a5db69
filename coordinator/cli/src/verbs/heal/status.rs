//! `podlift heal status`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_engine::view::HealAsk;
use podlift_model::NodeName;

/// Show mode, guard, expectations and open findings of each node's heal, or everything about one node's.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal status
  podlift heal status runai-01
  podlift heal status -o json")]
pub(crate) struct Status {
    /// Show everything about the heal of this node.
    node: Option<NodeName>,
}

impl Status {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let whole = self.node.is_some();
        let query = HealAsk { node: self.node, last: 0, id: None };
        show(context, query, |seen, screen| match whole {
            true => render::heal::node(seen, screen),
            false => render::heal::status(seen, screen),
        })
        .await
    }
}
