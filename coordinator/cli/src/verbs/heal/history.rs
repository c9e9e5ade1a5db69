//! `podlift heal history`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_model::NodeName;
use podlift_proto::v1::HealRequest;

/// Show the heals that are in the journal, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal history
  podlift heal history runai-01 --last 5")]
pub(crate) struct History {
    /// Of this node only.
    node: Option<NodeName>,
    /// How many of the last ones.
    #[arg(long, default_value_t = 50, value_name = "N")]
    last: u32,
}

impl History {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let node = self.node.map(String::from).unwrap_or_default();
        let request = HealRequest { node, last: self.last, ..Default::default() };
        show(context, request, render::heal::history).await
    }
}
