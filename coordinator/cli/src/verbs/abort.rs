//! `podlift abort`.

use crate::Context;
use crate::confirm::Question;
use crate::error::{CliError, Exit};
use podlift_client::Command;

const MEANS: &str = "An abort ends the run for good. It reverts the run's cordons and guards. Packages and manifests stay at the version that \
                     they have reached, and the rest needs a new run.";

/// End the run: revert its cordons and guards, and list what stays changed.
///
/// Packages and manifests stay at the version that they have reached; `podlift report` lists them. A node that is not whole keeps its cordon,
/// and the report names it with its next command. A second `podlift abort` stops reverting and lists what is left. podlift asks first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift abort --reason \"wrong version\"
  podlift abort --yes                       # does not ask")]
pub(crate) struct Abort {
    /// Reason, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
    /// Abort without asking.
    #[arg(long)]
    yes: bool,
}

impl Abort {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let without = context.confirmed();
        let question =
            Question { not: "the run was not aborted", means: MEANS, word: "abort", without: &without };
        question.ask(self.yes)?;
        context.command(Command::Abort { run: self.run, reason: self.reason }).await?;
        Ok(Exit::Done)
    }
}
