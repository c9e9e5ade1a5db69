//! A date or a time on the command line.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A date stands for midnight UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date = text.parse().map_err(
        |_| "expected a date like 2026-01-01, which is midnight UTC, or a time like 2026-01-01T12:00:00Z",
    )?;
    day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn a_date_is_midnight_and_a_time_is_itself() {
        let at = |text: &str| time(text).map(|t| t.to_string());
        assert_eq!(at("2026-01-01").unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(at("2026-01-01T12:00:00+02:00").unwrap(), "2026-01-01T10:00:00Z");
        for bad in ["yesterday", "2026-13-01", "", "01.02.2026"] {
            assert!(at(bad).unwrap_err().contains("expected a date"), "{bad}");
        }
    }

    #[test]
    fn a_line_with_another_text_is_wrong() {
        for line in ["runs archive --before yesterday", "defer dgx031 --until tomorrow"] {
            let words = ["podlift"].into_iter().chain(line.split(' '));
            let refused = crate::args::Args::try_parse_from(words).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{line}");
            assert!(refused.to_string().contains("expected a date like 2026-01-01"), "{refused}");
        }
    }
}
