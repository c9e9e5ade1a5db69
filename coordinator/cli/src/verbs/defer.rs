//! `podlift defer`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Leave a node out of the run, and revert what the run has done to it where that is safe.
///
/// A run may end with deferred nodes, because kubelets may lag three minor versions. Status and report name them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift defer dgx031 --reason \"GPU tray is being changed\"")]
pub(crate) struct Defer {
    /// Node to leave out.
    node: podlift_model::NodeName,
    /// Reason, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Defer {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let command = Command::Defer { run: self.run, node: self.node, reason: self.reason };
        context.command(command).await?;
        Ok(Exit::Done)
    }
}
