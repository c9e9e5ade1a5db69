//! `podlift runs`: all runs of the journal; below it, the way of old ones into files.

mod archive;
mod verify;

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view::{self, runs};
use podlift_proto::v1::RunsRequest;

/// Show all runs of the journal, newest first.
///
/// Every run that this coordinator has started, with how it ended, how long it took, and how much was healed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift runs
  podlift runs -o json
  podlift runs archive --before 2026-01-01    # ended runs into a file; the journal keeps their hashes
  podlift runs verify                         # every byte of those files is read")]
pub(crate) struct Runs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Archive(archive::Archive),
    Verify(verify::Verify),
}

impl Runs {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.what {
            Some(What::Archive(verb)) => return verb.run(context).await,
            Some(What::Verify(verb)) => return verb.run(context).await,
            None => {}
        }
        let document = context.client().await?.runs(RunsRequest {}).await?.into_inner();
        let people = |seen: &view::Runs| render::runs::runs(seen, Screen::of_stdout());
        out::data(&context.shown(runs::SCHEMA, &document, people)?)?;
        Ok(Exit::Done)
    }
}
