//! `podlift include`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Take a deferred node into the run again.
///
/// The node's steps begin again where its phase has its turn. Nothing is done twice: each step first looks whether it is done already.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift include dgx031")]
pub(crate) struct Include {
    /// Node that was deferred.
    node: podlift_model::NodeName,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Include {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Include { run: self.run, node: self.node }).await?;
        Ok(Exit::Done)
    }
}
