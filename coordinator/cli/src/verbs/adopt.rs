//! `podlift adopt`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Accept that agents know runs which this journal lacks (admins only).
///
/// This happens after the loss of a journal. Until you adopt these runs, the coordinator only reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift adopt")]
pub(crate) struct Adopt {}

impl Adopt {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Adopt).await?;
        Ok(Exit::Done)
    }
}
