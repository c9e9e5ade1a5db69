//! `podlift heal diff`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_engine::view::HealAsk;
use podlift_model::NodeName;

/// Show the lines that the last heals have changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal diff
  podlift heal diff runai-01 --last 3
  podlift heal diff --id heal-7f3a")]
pub(crate) struct Diff {
    /// Only heals of this node.
    node: Option<NodeName>,
    /// Number of the last heals.
    #[arg(long, default_value_t = 1, value_name = "N")]
    last: u32,
    /// Only the heal with this id, as `podlift heal history` shows it.
    #[arg(long, value_name = "ID", conflicts_with = "last")]
    id: Option<String>,
}

impl Diff {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let query = HealAsk { node: self.node, last: self.last as usize, id: self.id };
        show(context, query, render::heal::diff).await
    }
}
