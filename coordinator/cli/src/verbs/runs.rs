//! `podlift runs`.

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
  podlift runs -o json")]
pub(crate) struct Runs {}

impl Runs {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let document = context.client().await?.runs(RunsRequest {}).await?.into_inner();
        let people = |seen: &view::Runs| render::runs::runs(seen, Screen::of_stdout());
        out::data(&context.shown(runs::SCHEMA, &document, people)?)?;
        Ok(Exit::Done)
    }
}
