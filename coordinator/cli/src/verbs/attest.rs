//! `podlift attest`.

use crate::Context;
use crate::error::{CliError, Exit};
use clap::builder::{PossibleValue, PossibleValuesParser};
use podlift_client::Command;
use podlift_engine::program::{ATTESTATIONS, DIFFERENCES};

/// State what no machine can know. An attestation counts for the next run only; differences-accepted counts for the open one.
///
/// The journal records who attested it and when; plan and report show it. The site's rule (/etc/podlift/policy.toml) lists the
/// attestations without which no run starts. A missing one of the others is a warning.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift attest application-backups --note \"ticket OPS-4711\"
  podlift attest maintenance-window
  podlift attest rollback-reviewed")]
pub(crate) struct Attest {
    /// What to attest.
    #[arg(value_parser = names())]
    name: String,
    /// Note for the journal: where it is documented, who agreed.
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

fn names() -> PossibleValuesParser {
    let asked = ATTESTATIONS.iter().map(|(id, meaning)| PossibleValue::new(*id).help(*meaning));
    let meant = "the differences that the open run has found are intended; then use podlift retry";
    PossibleValuesParser::new(asked.chain([PossibleValue::new(DIFFERENCES).help(meant)]))
}

impl Attest {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Attest { name: self.name, note: self.note }).await?;
        Ok(Exit::Done)
    }
}
