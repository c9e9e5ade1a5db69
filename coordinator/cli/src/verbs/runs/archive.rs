//! `podlift runs archive`.

use crate::Context;
use crate::error::{CliError, Exit};
use crate::verbs::date;
use jiff::Timestamp;
use podlift_client::Command;

/// Move the records of ended runs from the journal into a file.
///
/// The file is on the head node, in the directory archive beside the journal. The coordinator writes, syncs and verifies it before it removes
/// a record from the journal. The journal keeps the hash of each record, so that its chain can still be verified. The open run and the newest
/// run stay. The coordinator then needs less memory and disk, and no longer shows events and reports of archived runs. You can repeat the
/// command at any time; it completes an interrupted archive.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  podlift runs archive --before 2026-01-01              # UTC, from the beginning of that day
  podlift runs archive --before 2026-01-01T12:00:00Z")]
pub(super) struct Archive {
    /// Archive runs that ended before this date or time.
    #[arg(long, value_name = "DATE", value_parser = date::time)]
    before: Timestamp,
}

impl Archive {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Archive { before: self.before }).await?;
        Ok(Exit::Done)
    }
}
