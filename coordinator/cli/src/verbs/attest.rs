//! `podlift attest`.

use crate::Context;
use crate::error::{CliError, Exit};
use clap::builder::{PossibleValue, PossibleValuesParser};
use podlift_engine::program::{ATTESTATIONS, DIFFERENCES};
use podlift_proto::v1::command_request::Verb;

/// Say what no machine can know. It counts for the next run, and for that one only.
///
/// The journal keeps who said it and when; plan and report show it. Which of it a run can't do without is the site's rule
/// (/etc/podlift/policy.toml); the rest is asked for and warned about.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift attest application-backups --note \"ticket OPS-4711\"
  podlift attest maintenance-window
  podlift attest rollback-reviewed")]
pub(crate) struct Attest {
    #[arg(value_parser = names())]
    name: String,
    /// For the journal: where it is written down, who agreed.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

fn names() -> PossibleValuesParser {
    let asked = ATTESTATIONS.iter().map(|(id, meaning)| PossibleValue::new(*id).help(*meaning));
    let meant = "what the open run found different from before it is meant; then podlift retry";
    PossibleValuesParser::new(asked.chain([PossibleValue::new(DIFFERENCES).help(meant)]))
}

impl Attest {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Verb::Attest, None, self.name, self.note).await?;
        Ok(Exit::Done)
    }
}
