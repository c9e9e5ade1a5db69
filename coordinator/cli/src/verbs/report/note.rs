//! `podlift report note`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_client::Command;

/// Write your findings into the report of a run, also after its end.
///
/// The journal keeps each text with your name and the time; the report shows the last one in its field Findings, and your name in Performed
/// by.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift report note \"dgx031: loose cable at the second port, changed\"
  podlift report note \"nothing unusual\" --run 20261122-020000-1c4e")]
pub(super) struct Note {
    /// The findings.
    text: String,
    /// Id of the run; the newest by default.
    #[arg(long)]
    run: Option<String>,
}

impl Note {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        if self.text.trim().is_empty() {
            let why = "TEXT is empty; expected a sentence about what you found";
            return Err(CliError::usage("no note was written", why, "podlift help report note"));
        }
        context.command(Command::Note { run: self.run, text: self.text }).await?;
        Ok(Exit::Done)
    }
}
