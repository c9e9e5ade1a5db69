//! `podlift heal history`.

use super::{render, show};
use crate::Context;
use crate::error::{CliError, Exit};
use podlift_engine::view::HealAsk;
use podlift_model::NodeName;

/// Show the heals in the journal, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift heal history
  podlift heal history runai-01 --last 5")]
pub(crate) struct History {
    /// Only heals of this node.
    node: Option<NodeName>,
    /// Number of the last heals.
    #[arg(long, default_value_t = 50, value_name = "N")]
    last: u32,
}

impl History {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let query = HealAsk { node: self.node, last: self.last as usize, id: None };
        show(context, query, render::heal::history).await
    }
}
