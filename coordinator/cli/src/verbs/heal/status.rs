//! `podlift heal status`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_model::NodeName;
use podlift_proto::v1::HealRequest;

/// Show mode, guard, expectations and open findings of each node's heal, or everything about one node's.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal status
  podlift heal status runai-01
  podlift heal status -o json")]
pub(crate) struct Status {
    /// Everything about this node's heal.
    node: Option<NodeName>,
}

impl Status {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let whole = self.node.is_some();
        let request =
            HealRequest { node: self.node.map(String::from).unwrap_or_default(), ..Default::default() };
        show(context, request, |seen, screen| match whole {
            true => render::heal::node(seen, screen),
            false => render::heal::status(seen, screen),
        })
        .await
    }
}
