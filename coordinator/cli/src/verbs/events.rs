//! `podlift events`.

use crate::error::{CliError, Exit};
use crate::out::{self, Format};
use crate::{Context, render};
use podlift_client::{Answer, EventsQuery, RunScope};
use podlift_engine::machine::Record;
use podlift_model::NodeName;

/// Show the journal of a run, oldest record first.
///
/// podlift writes every record to disk before the effect that it announces. With -o json each record is one line, and -o wide shows why each
/// node of a batch was chosen.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift events --follow
  podlift events --run all --from 120
  podlift events -o wide          # with the reason for each node of a batch
  podlift events -o json          # one record per line")]
pub(crate) struct Events {
    /// Id of the run, or "all" for every run and the fleet; the newest run by default.
    #[arg(long, default_value = "", hide_default_value = true)]
    run: String,
    /// Number of the first record.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Continue with events as they happen.
    #[arg(short, long)]
    follow: bool,
}

impl Events {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let mut client = context.client().await?;
        let runs = match self.run.as_str() {
            "" => RunScope::Newest,
            "all" => RunScope::All,
            _ => RunScope::Run(self.run),
        };
        let query = EventsQuery { runs, from: self.from, last: None, follow: self.follow };
        let mut events = client.events(&query).await?;
        // The head node of the run, once the record of its start has come.
        let mut head = None;
        loop {
            let next = tokio::select! {
                next = events.next() => next?,
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            };
            let Some(answer) = next else { return Ok(Exit::Done) };
            out::data(&text(context.format, &answer, &mut head)?)?;
        }
    }
}

/// In JSON each record is one line, so that a reader can parse the stream as it comes.
fn text(format: Format, answer: &Answer<Record>, head: &mut Option<NodeName>) -> Result<String, CliError> {
    let shape = match format {
        Format::Json => return Ok(answer.json().into()),
        Format::Yaml => return Ok(format!("---\n{}", out::document(Format::Yaml, answer.json())?)),
        Format::Table | Format::Html | Format::Junit => render::event::line,
        Format::Wide => render::event::wide,
    };
    let record = answer.view()?;
    *head = render::place::head_of(&record.event).or(head.take());
    Ok(shape(&record, head.as_ref()))
}
