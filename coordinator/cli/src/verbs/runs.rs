//! `podlift runs`.

use crate::error::{CliError, Exit};
use crate::out::{self, Screen};
use crate::{Context, render};
use podlift_engine::view;

/// Show all runs of the journal, newest first.
///
/// Each row has the result of a run, its duration and the number of heals.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift runs
  podlift runs -o json")]
pub(crate) struct Runs {}

impl Runs {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.runs().await?;
        let render = |seen: &view::Runs| render::runs::runs(seen, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}
