//! `podlift backup list`.

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view::{Backups, backups};
use podlift_proto::v1::BackupsRequest;

/// Show the backups on the head node, newest first. Their manifests are read, not every byte: that is verify.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift backup list
  podlift backup list -o json")]
pub(super) struct List {}

impl List {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let document = context.client().await?.backups(BackupsRequest {}).await?.into_inner();
        let people = |seen: &Backups| render::backup::list(seen, Screen::of_stdout());
        out::data(&context.shown(backups::SCHEMA, &document, people)?)?;
        Ok(Exit::Done)
    }
}
