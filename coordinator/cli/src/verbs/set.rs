//! `podlift set`.

use crate::Context;
use crate::error::{CliError, Exit};
use clap::Subcommand;
use podlift_client::Command;
use podlift_engine::machine::MAX_UNAVAILABLE;
use podlift_engine::program::Limit;

/// Change an option of the open run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift set max-unavailable 40")]
pub(crate) struct Set {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    MaxUnavailable(MaxUnavailable),
}

/// Set how many workers may be unavailable at once, including those that are unavailable for other reasons.
///
/// The run takes the new number before the next worker begins. Workers that have begun are finished.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift set max-unavailable 40
  podlift set max-unavailable 5%")]
struct MaxUnavailable {
    /// Number of workers, or a share of the run's workers.
    #[arg(value_name = "N|P%", value_parser = super::target::workers)]
    limit: Limit,
    /// Id of the run; the open run by default.
    #[arg(long)]
    run: Option<String>,
}

impl Set {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        let What::MaxUnavailable(set) = self.what;
        let command = Command::Set { run: set.run, name: MAX_UNAVAILABLE, value: set.limit.to_string() };
        context.command(command).await?;
        Ok(Exit::Done)
    }
}
