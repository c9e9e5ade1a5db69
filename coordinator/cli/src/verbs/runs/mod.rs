//! `podlift runs`: all runs of the journal. Its subcommands archive old runs and verify the files of archived runs.

mod archive;
mod verify;

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
  podlift runs -o json
  podlift runs archive --before 2026-01-01    # moves ended runs into a file; the journal keeps their hashes
  podlift runs verify                         # reads every byte of those files")]
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
        let answer = context.client().await?.runs().await?;
        let render = |seen: &view::Runs| render::runs::runs(seen, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}
