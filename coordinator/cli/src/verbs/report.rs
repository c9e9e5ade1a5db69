//! `podlift report`.

use crate::error::{CliError, Exit};
use crate::{Context, out, render};
use podlift_engine::view::{self, report};
use podlift_proto::v1::ReportRequest;

/// Show what happened in a run, filled from the journal: Markdown, or the document with -o json.
///
/// The sign-off checklist with its evidence, times by node, heals, waivers, and how long each API server was away.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift report > report.md
  podlift report --run 20261122-020000-1c4e -o json")]
pub(crate) struct Report {
    /// Another run than the newest.
    #[arg(long)]
    run: Option<String>,
}

impl Report {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let request = ReportRequest { run: self.run.unwrap_or_default() };
        let document = client.report(request).await?.into_inner();
        let shown = context.shown::<view::Report>(report::SCHEMA, &document, render::report::markdown)?;
        out::data(&shown)?;
        Ok(Exit::Done)
    }
}
