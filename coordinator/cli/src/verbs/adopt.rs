//! `podlift adopt`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// Accept that agents remember runs which this journal lacks (admins).
///
/// As after the loss of a journal: until then this coordinator only reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift adopt")]
pub(crate) struct Adopt {}

impl Adopt {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Adopt, None, String::new(), String::new()).await?;
        Ok(Exit::Done)
    }
}
