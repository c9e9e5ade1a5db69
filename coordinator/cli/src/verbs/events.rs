//! `podlift events`.

use crate::error::{CliError, Exit};
use crate::out::{self, Format};
use crate::{Context, render};
use podlift_engine::machine::EVENT_SCHEMA as EVENT;
use podlift_proto::v1::{Document, EventsRequest};

/// Show the journal of a run, oldest first.
///
/// Every record is durable before its effect: what is here happened, and what is not here did not. With -o json each record is a line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift events --follow
  podlift events --run all --from 120
  podlift events -o json          # a record a line")]
pub(crate) struct Events {
    /// Another run than the newest; "all" for every run and the fleet.
    #[arg(long, default_value = "")]
    run: String,
    /// Begin with this record.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Go on as events happen.
    #[arg(short, long)]
    follow: bool,
}

impl Events {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let request = EventsRequest { run: self.run, from: self.from, follow: self.follow, last: 0 };
        let mut stream = client.events(request).await?.into_inner();
        loop {
            let next = tokio::select! {
                next = stream.message() => next?,
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            };
            let Some(document) = next else { return Ok(Exit::Done) };
            out::data(&text(context, &document)?)?;
        }
    }
}

/// JSON is a line a record, so that it can be read as it comes.
fn text(context: &Context, document: &Document) -> Result<String, CliError> {
    context.check(EVENT, document)?;
    match context.format {
        Format::Json => Ok(document.json.clone()),
        Format::Yaml => Ok(format!("---\n{}", out::document(Format::Yaml, document)?.unwrap_or_default())),
        Format::Table | Format::Wide => Ok(render::event::line(&context.read(EVENT, document)?)),
    }
}
