//! `podlift report`.

use crate::error::{CliError, Exit};
use crate::out::{self, Format};
use crate::{Context, render};

/// Show what happened in a run, from the journal: as Markdown, as a page with -o html, or as the document with -o json.
///
/// The report has the sign-off checklist with its evidence, times of each node, heals, waivers, and how long each API server was away.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift report > report.md
  podlift report -o html > report.html     # one file to read, print and sign
  podlift report --run 20261122-020000-1c4e -o json")]
pub(crate) struct Report {
    /// Id of the run; the newest by default.
    #[arg(long)]
    run: Option<String>,
}

impl Report {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let answer = context.client().await?.report(self.run).await?;
        let render =
            if context.format == Format::Html { render::page::page } else { render::report::markdown };
        out::data(&context.shown(&answer, render)?)?;
        Ok(Exit::Done)
    }
}
