//! `podlift resume`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_client::Command;

/// Continue a paused run in which no step has failed.
///
/// Use `podlift retry` for a run with a failed step.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift resume
  podlift resume --follow")]
pub(crate) struct Resume {
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Follow the run afterwards, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Resume {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        let client = context.command(Command::Resume { run: self.run }).await?;
        if self.follow { follow::shown(context, client, before).await } else { Ok(Exit::Done) }
    }
}
