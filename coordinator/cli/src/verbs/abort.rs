//! `podlift abort`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// End the run: revert its cordons and guards, and list what stays changed.
///
/// Packages and manifests stay at the version that they have reached; `podlift report` lists them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift abort --reason \"wrong version\"")]
pub(crate) struct Abort {
    /// Reason, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Abort {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Abort { run: self.run, reason: self.reason }).await?;
        Ok(Exit::Done)
    }
}
