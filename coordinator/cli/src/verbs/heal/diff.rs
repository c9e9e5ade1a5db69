//! `podlift heal diff`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_model::NodeName;
use podlift_proto::v1::HealRequest;

/// Show which lines the last heals changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal diff
  podlift heal diff runai-01 --last 3
  podlift heal diff --id heal-7f3a")]
pub(crate) struct Diff {
    /// Of this node only.
    node: Option<NodeName>,
    /// How many of the last ones.
    #[arg(long, default_value_t = 1, value_name = "N")]
    last: u32,
    /// The heal of this id, as `podlift heal history` shows it.
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    id: Option<String>,
}

impl Diff {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let node = self.node.map(String::from).unwrap_or_default();
        let request = HealRequest { node, last: self.last, id: self.id.unwrap_or_default() };
        show(context, request, render::heal::diff).await
    }
}
