//! `podlift backup verify`.

use super::show;
use crate::Context;
use crate::error::{CliError, Exit};
use crate::progress::Progress;
use podlift_model::RunId;

/// Read every byte of a backup, and check that it is what was sealed and that other users can't read it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift backup verify                         # verifies the newest
  podlift backup verify before-the-firmware")]
pub(super) struct Verify {
    /// Name as `podlift backup list` shows it; the newest backup by default.
    name: Option<RunId>,
}

impl Verify {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let progress = Progress::waiting("verifying: every byte of the set is read");
        let answer = client.verify_backup(self.name, |p| progress.message(p.to_string())).await?;
        drop(progress);
        show(context, &answer)
    }
}
