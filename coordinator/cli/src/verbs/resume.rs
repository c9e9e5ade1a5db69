//! `podlift resume`.

use crate::error::{CliError, Exit};
use crate::{Context, follow};
use podlift_proto::v1::command_request::Verb;

/// Go on with a paused run in which nothing failed.
///
/// A run with a failed step goes on with `podlift retry` instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift resume
  podlift resume --follow")]
pub(crate) struct Resume {
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
    /// Then follow it, as upgrade does.
    #[arg(short, long)]
    follow: bool,
}

impl Resume {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let before = follow::position(context, self.run.as_deref()).await?;
        let client = context.command(Verb::Resume, self.run, String::new(), String::new()).await?;
        if self.follow { before.follow(context, client).await } else { Ok(Exit::Done) }
    }
}
