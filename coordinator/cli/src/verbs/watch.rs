//! `podlift watch`: the screen itself is in `watch`.

use crate::error::{CliError, Exit};
use crate::{Context, watch};

/// Watch the run and the fleet live, and pause, resume, retry or abort with a key.
///
/// Keys: p pause, r resume, R retry, a abort, tab another panel, arrows and page keys scroll it, ? help, q quit. Each command asks first;
/// an abort wants the short name of the run typed. The run does not depend on this screen: quitting leaves it going. Needs a terminal
/// of at least 60 columns and 16 rows.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift watch")]
pub(crate) struct Watch {}

impl Watch {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        watch::run(context).await
    }
}
