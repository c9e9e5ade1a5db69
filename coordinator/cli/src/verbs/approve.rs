//! `podlift approve`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_proto::v1::command_request::Verb;

/// Let a run go on that waits for approval: what it names, and nothing beyond it.
///
/// A run started with `--approve phase` or `--approve batch` pauses before each of them. The journal keeps who approved what, and when.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift approve
  podlift approve --follow   # and follow the run to its next pause or its end")]
pub(crate) struct Approve {
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
    /// Then follow it, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Approve {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        let client = context.command(Verb::Approve, self.run, String::new(), String::new()).await?;
        if self.follow { before.follow(context, client).await } else { Ok(Exit::Done) }
    }
}
