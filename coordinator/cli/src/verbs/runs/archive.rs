//! `podlift runs archive`.

use crate::Context;
use crate::error::{CliError, Exit};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
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
    #[arg(long, value_name = "DATE", value_parser = time)]
    before: Timestamp,
}

/// A date stands for midnight UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date =
        text.parse().map_err(|_| "expected a date like 2026-01-01 or a time like 2026-01-01T12:00:00Z")?;
    day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|e| e.to_string())
}

impl Archive {
    pub async fn run(self, context: &Context) -> Result<Exit, CliError> {
        context.command(Command::Archive { before: self.before }).await?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_midnight_and_a_time_is_itself() {
        let at = |text: &str| time(text).map(|t| t.to_string());
        assert_eq!(at("2026-01-01").unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(at("2026-01-01T12:00:00+02:00").unwrap(), "2026-01-01T10:00:00Z");
        for bad in ["yesterday", "2026-13-01", "", "01.02.2026"] {
            assert!(at(bad).unwrap_err().contains("expected a date"), "{bad}");
        }
    }
}
