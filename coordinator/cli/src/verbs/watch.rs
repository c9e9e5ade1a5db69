//! `podlift watch`. The screen is in the module `watch`.

use crate::error::{CliError, Exit};
use crate::{Context, watch};

/// Watch the run and the fleet live, and pause, resume, retry or abort with a key.
///
/// Keys: p pause, r resume, R retry, a abort, tab next panel, arrows and page keys scroll, ? help, q quit. Each command asks first; to
/// abort, type the last part of the run's id and Enter. The run continues when you quit. The screen needs a terminal of at least 60 columns and 16
/// rows.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift watch")]
pub(crate) struct Watch {}

impl Watch {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        watch::run(context).await
    }
}
