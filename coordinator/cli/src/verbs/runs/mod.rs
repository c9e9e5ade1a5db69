//! `podlift runs`: all runs of the journal; below it, the way of old ones into files.

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
        let answer = context.client().await?.runs().await?;
        let render = |seen: &view::Runs| render::runs::runs(seen, Screen::of_stdout());
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}
