//! `podlift runs verify`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Read every byte of the files with archived runs, and compare them with the journal.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift runs verify                                   # verifies every file
  podlift runs verify 20261122-010203-ab12.jsonl")]
pub(super) struct Verify {
    /// Name of the file, as archive has shown it; every file by default.
    file: Option<String>,
}

impl Verify {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::VerifyArchive { file: self.file }).await?;
        Ok(Exit::Done)
    }
}
