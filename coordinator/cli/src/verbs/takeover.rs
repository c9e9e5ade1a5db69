//! `podlift takeover`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// Make this coordinator the one that commands, with the agents that are there (admins).
///
/// Only when the other coordinator is gone for good: agents refuse it from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift takeover")]
pub(crate) struct Takeover {}

impl Takeover {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Takeover, None, String::new(), String::new()).await?;
        Ok(Exit::Done)
    }
}
