//! `podlift approve`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_client::Command;

/// Approve the phase or batch that a run waits for, and nothing beyond it.
///
/// A run started with `--approve phase` or `--approve batch` pauses before each of them. The journal records who approved what, and when.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift approve
  podlift approve --follow   # then follows the run to its next pause or its end")]
pub(crate) struct Approve {
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Follow the run afterwards, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Approve {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        let client = context.command(Command::Approve { run: self.run }).await?;
        if self.follow { follow::shown(context, client, before).await } else { Ok(Exit::Done) }
    }
}
