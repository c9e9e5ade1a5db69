//! `podlift events`.

use crate::client::read;
use crate::error::{CliError, Exit};
use crate::out::{self, Format};
use crate::{Context, render};
use podlift_engine::machine::EVENT_SCHEMA as EVENT;
use podlift_engine::machine::Record;
use podlift_proto::v1::{Document, EventsRequest};

/// Show the journal of a run, oldest first.
#[derive(Debug, clap::Args)]
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
        let request = EventsRequest { run: self.run, from: self.from, follow: self.follow };
        let mut stream = client.events(request).await?.into_inner();
        loop {
            let next = tokio::select! {
                next = stream.message() => next?,
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            };
            let Some(document) = next else { return Ok(Exit::Done) };
            out::data(&text(context.format, &document)?);
        }
    }
}

/// JSON is a line a record, so that it can be read as it comes.
fn text(format: Format, document: &Document) -> Result<String, CliError> {
    match format {
        Format::Json => Ok(document.json.clone()),
        Format::Yaml => Ok(format!("---\n{}", out::document(format, document)?.unwrap_or_default())),
        Format::Table => {
            let record: Record = read(EVENT, document)?;
            Ok(render::event::line(&record))
        }
    }
}
