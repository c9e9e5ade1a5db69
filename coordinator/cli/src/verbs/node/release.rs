//! `podlift node release`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Uncordon a node that an ended run of podlift left cordoned.
///
/// podlift first looks whether the node is whole: Ready, the running kubelet as new as its package, and all devices there. It refuses a node
/// that is not, and a cordon that is not podlift's. The journal records who released the node.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift node release dgx031
  podlift node release dgx031 --force --reason \"runs without its second GPU tray until Monday\"")]
pub(crate) struct Release {
    /// Node to release.
    node: podlift_model::NodeName,
    /// Release the node although it is not whole.
    #[arg(long, requires = "reason")]
    force: bool,
    /// Reason, for the journal.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Release {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let reason = self.reason.unwrap_or_default();
        context.command(Command::NodeRelease { node: self.node, force: self.force, reason }).await?;
        Ok(Exit::Done)
    }
}
