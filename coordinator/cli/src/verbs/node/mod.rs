//! `podlift node`: decisions about single nodes that a run can't make.

mod lost;
mod release;

use crate::Context;
use crate::error::{CliError, Exit};
use clap::Subcommand;

/// Release a node that an ended run left cordoned, or declare a node lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift node release dgx031    # ends the cordon that an aborted run left
  podlift node lost runai-03     # the machine won't come back; the run goes on without it")]
pub(crate) struct Node {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Release(release::Release),
    Lost(lost::Lost),
}

impl Node {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self.what {
            What::Release(verb) => verb.run(context).await,
            What::Lost(verb) => verb.run(context).await,
        }
    }
}
