//! `podlift backup verify`.

use super::{last, show};
use crate::Context;
use crate::error::{CliError, Exit};
use crate::progress::Progress;
use podlift_model::RunId;
use podlift_proto::v1::VerifyBackupRequest;

/// Read every byte of a backup: is it still what was sealed, and may nobody else read it?
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift backup verify                         # the newest
  podlift backup verify before-the-firmware")]
pub(super) struct Verify {
    /// As `podlift backup list` shows it; the newest by default.
    name: Option<RunId>,
}

impl Verify {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let request = VerifyBackupRequest { name: self.name.map(String::from).unwrap_or_default() };
        let mut client = context.client().await?;
        let progress = Progress::waiting("verifying: every byte of the set is read");
        let stream = client.verify_backup(request).await?.into_inner();
        show(context, &last(stream, progress).await?)
    }
}
