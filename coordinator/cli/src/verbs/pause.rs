//! `podlift pause`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// Start nothing new; what runs is finished first.
///
/// The agents finish the ops that they have accepted, and no step begins until `podlift resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift pause --reason \"storage maintenance\"")]
pub(crate) struct Pause {
    /// Why, for the journal.
    #[arg(long, default_value = "")]
    reason: String,
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
}

impl Pause {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Pause, self.run, String::new(), self.reason).await?;
        Ok(Exit::Done)
    }
}
