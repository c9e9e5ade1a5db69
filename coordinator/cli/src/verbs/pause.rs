//! `podlift pause`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Pause the run: start nothing new, and let running ops finish.
///
/// The agents finish the ops that they have accepted, and no step begins until `podlift resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift pause --reason \"storage maintenance\"")]
pub(crate) struct Pause {
    /// Reason, for the journal.
    #[arg(long, default_value = "")]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Pause {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Pause { run: self.run, reason: self.reason }).await?;
        Ok(Exit::Done)
    }
}
