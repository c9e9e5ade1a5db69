//! `podlift pause`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Pause the run: nodes that have begun are finished, and no other begins.
///
/// A node whose packages or kubelet have changed is taken to its end, so that no node waits drained and half upgraded. With `--now` only the
/// ops that the agents have accepted are finished: everything that waits stops waiting, and a drain stops at once. `podlift resume`
/// continues either way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift pause --reason \"storage maintenance\"
  podlift pause --now    # stops drains and waits, too")]
pub(crate) struct Pause {
    /// Stop drains and waits at once, instead of finishing the nodes that have begun.
    #[arg(long)]
    now: bool,
    /// Reason, for the journal.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Pause {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let command = Command::Pause { run: self.run, reason: self.reason, now: self.now };
        context.command(command).await?;
        Ok(Exit::Done)
    }
}
