//! Times that are still to come, as a person reads them at night: the hour alone, with the date only where it changes. Everything is UTC,
//! as in the rest of the output.

use jiff::Timestamp;
use podlift_engine::view::Eta;

/// `21:40`, or `2026-11-23 02:40` where that is another day than `before`.
fn hour(at: Timestamp, before: Timestamp) -> String {
    let day = |t: Timestamp| t.strftime("%Y-%m-%d").to_string();
    let form = if day(at) == day(before) { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(form).to_string()
}

/// `21:40 (UTC)`; `now` is the time that the reader has.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> String {
    format!("{} (UTC)", hour(at, now))
}

/// `about 21:40, between 21:25 and 22:10 (UTC)`.
pub(crate) fn eta(eta: &Eta, now: Timestamp) -> String {
    let Eta { at, earliest, latest } = *eta;
    let (about, from, to) = (hour(at, now), hour(earliest, at), hour(latest, earliest));
    match (at.max(latest) <= now, from == to) {
        // The run takes longer than every node so far would have.
        (true, _) => "later than estimated: the estimate was ".to_string() + &until(at, now),
        (false, true) => format!("about {about} (UTC)"),
        (false, false) => format!("about {about}, between {from} and {to} (UTC)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_date_stands_only_where_it_changes() {
        let now = time("2026-11-22T20:15:00Z");
        for (at, earliest, latest, want) in [
            ("22T21:40:00Z", "22T21:25:00Z", "22T22:10:00Z", "about 21:40, between 21:25 and 22:10 (UTC)"),
            ("22T21:40:00Z", "22T21:40:10Z", "22T21:40:50Z", "about 21:40 (UTC)"),
            (
                "23T00:10:00Z",
                "22T23:50:00Z",
                "23T01:05:00Z",
                "about 2026-11-23 00:10, between 2026-11-22 23:50 and 2026-11-23 01:05 (UTC)",
            ),
            (
                "23T02:10:00Z",
                "23T01:50:00Z",
                "23T03:05:00Z",
                "about 2026-11-23 02:10, between 01:50 and 03:05 (UTC)",
            ),
            (
                "22T20:00:00Z",
                "22T19:50:00Z",
                "22T20:10:00Z",
                "later than estimated: the estimate was 20:00 (UTC)",
            ),
        ] {
            let of = |text: &str| time(&format!("2026-11-{text}"));
            let seen = Eta { at: of(at), earliest: of(earliest), latest: of(latest) };
            assert_eq!(eta(&seen, now), want);
        }
        assert_eq!(until(time("2026-11-23T04:00:00Z"), now), "2026-11-23 04:00 (UTC)");
    }
}
