//! `podlift takeover`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Make this coordinator the one in command, with the agents that are connected (admins only).
///
/// Use this only if the other coordinator is gone for good: the agents refuse it from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift takeover")]
pub(crate) struct Takeover {}

impl Takeover {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Takeover).await?;
        Ok(Exit::Done)
    }
}
