//! `podlift report`.

use crate::error::{CliError, Exit};
use crate::{Context, out, render};

/// Show what happened in a run, from the journal: as Markdown, or as the document with -o json.
///
/// The report has the sign-off checklist with its evidence, times of each node, heals, waivers, and how long each API server was away.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift report > report.md
  podlift report --run 20261122-020000-1c4e -o json")]
pub(crate) struct Report {
    /// Id of the run; the newest by default.
    #[arg(long)]
    run: Option<String>,
}

impl Report {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.report(self.run).await?;
        out::data(&context.shown(&answer, render::report::markdown)?)?;
        Ok(Exit::Done)
    }
}
