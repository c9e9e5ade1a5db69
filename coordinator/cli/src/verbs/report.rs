//! `podlift report`.

use crate::client::read;
use crate::error::{CliError, Exit};
use crate::{Context, out, render};
use podlift_engine::view::{self, report};
use podlift_proto::v1::ReportRequest;

/// Show what happened in a run, filled from the journal: Markdown, or the document with -o json.
#[derive(Debug, clap::Args)]
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
        let text = match out::document(context.format, &document)? {
            Some(text) => text,
            None => render::report::markdown(&read::<view::Report>(report::SCHEMA, &document)?),
        };
        out::data(&text);
        Ok(Exit::Done)
    }
}
