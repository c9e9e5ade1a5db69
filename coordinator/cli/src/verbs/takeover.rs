//! `podlift takeover`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// Make this coordinator the one that commands, with the agents that are there. Only when the other one is gone for good (admins).
#[derive(Debug, clap::Args)]
pub(crate) struct Takeover {}

impl Takeover {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Takeover, None, String::new(), String::new()).await?;
        Ok(Exit::Done)
    }
}
