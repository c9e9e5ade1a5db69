//! `podlift abort`.

use crate::Context;
use crate::error::{CliError, Exit};
use podlift_proto::v1::command_request::Verb;

/// End the run: put back its cordons and guards, and say what is left as it is.
///
/// Packages and manifests stay at the version that they have reached; `podlift report` lists them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift abort --reason \"wrong version\"")]
pub(crate) struct Abort {
    /// Why, for the journal.
    #[arg(long, default_value = "no reason given")]
    reason: String,
    /// Another run than the open one.
    #[arg(long)]
    run: Option<String>,
}

impl Abort {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Abort, self.run, String::new(), self.reason).await?;
        Ok(Exit::Done)
    }
}
