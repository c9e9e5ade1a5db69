//! `podlift takeover`.

use crate::Context;
use crate::confirm::Question;
use crate::error::{CliError, Exit};
use podlift_client::Command;

const MEANS: &str = "A takeover makes this coordinator the only one that commands the agents: they refuse every other coordinator from then \
                     on. If another one still works, its run stops in the middle.";

/// Make this coordinator the one in command, with the agents that are connected (admins only).
///
/// Use this only if the other coordinator is gone for good: the agents refuse it from then on. podlift asks first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift takeover
  podlift takeover --yes   # does not ask")]
pub(crate) struct Takeover {
    /// Take over without asking.
    #[arg(long)]
    yes: bool,
}

impl Takeover {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let without = context.confirmed();
        let question =
            Question { not: "nothing was taken over", means: MEANS, word: "takeover", without: &without };
        question.ask(self.yes)?;
        context.command(Command::Takeover).await?;
        Ok(Exit::Done)
    }
}
