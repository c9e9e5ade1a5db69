//! Windows on the line of time.

use super::{Window, parse};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Days after today for which a window that repeats is laid out. Every weekday is among them, with a window that passes midnight.
const DAYS: i64 = 9;

#[derive(Debug)]
pub(crate) struct Calendar {
    rules: Vec<Rule>,
    /// There is no window at all.
    always: bool,
}

#[derive(Debug)]
struct Rule {
    /// Empty: every day.
    days: Vec<Weekday>,
    date: Option<Date>,
    from: Time,
    to: Time,
    zone: TimeZone,
}

/// The answer to: may a lane of this length begin now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Open,
    /// Not now, but from this time on.
    From(Timestamp),
    /// Windows open, but none is as long as the lane.
    TooShort,
    /// No window opens again.
    Never,
    /// The windows of several groups open, but never together for as long as the lane.
    Apart,
}

impl Calendar {
    /// A window that is not valid never opens. `Policy::validate` refuses it before.
    pub fn of(windows: &[Window]) -> Self {
        Self { rules: windows.iter().filter_map(Rule::of).collect(), always: windows.is_empty() }
    }

    /// Whether it is open now or opens later.
    pub fn opens_again(&self, now: Timestamp) -> bool {
        self.always || !self.spans(now).is_empty()
    }

    pub fn at(&self, now: Timestamp, seconds: u64) -> Opening {
        if self.always {
            return Opening::Open;
        }
        let spans = self.spans(now);
        let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX / 2));
        let fits = |&(from, to): &(Timestamp, Timestamp)| to.duration_since(from.max(now)) >= length;
        match spans.iter().copied().find(fits) {
            Some((from, _)) if from <= now => Opening::Open,
            Some((from, _)) => Opening::From(from),
            None if spans.is_empty() => Opening::Never,
            None => Opening::TooShort,
        }
    }

    /// The times from now on at which a window is open, joined where they touch.
    fn spans(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut all: Vec<_> = self.rules.iter().flat_map(|rule| rule.spans(now)).collect();
        all.retain(|(_, to)| *to > now);
        all.sort();
        let mut joined: Vec<(Timestamp, Timestamp)> = vec![];
        for (from, to) in all {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        joined
    }
}

impl Rule {
    fn of(window: &Window) -> Option<Self> {
        Some(Self {
            days: window.days.iter().map(|day| day.weekday()).collect(),
            date: window.date,
            from: parse::time(&window.from)?,
            to: parse::time(&window.to)?,
            zone: parse::zone(&window.zone)?,
        })
    }

    fn spans(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let today = now.to_zoned(self.zone.clone()).date();
        let on = |date: Date| self.days.is_empty() || self.days.contains(&date.weekday());
        let dates: Vec<Date> = match self.date {
            Some(date) => vec![date],
            None => {
                let day = |n: i64| today.checked_add(Span::new().days(n)).ok();
                (-1..=DAYS).filter_map(day).filter(|date| on(*date)).collect()
            }
        };
        dates.into_iter().filter_map(|date| self.span(date)).collect()
    }

    /// `None` if the clock skips the whole window on that date, as it may in spring.
    fn span(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
        let time = |date: Date, time: Time| self.zone.to_timestamp(date.to_datetime(time)).ok();
        let (from, to) = (time(date, self.from)?, time(last, self.to)?);
        (from < to).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;
    use serde_json::json;

    fn calendar(windows: serde_json::Value) -> Calendar {
        let windows: Vec<Window> = serde_json::from_value(windows).unwrap();
        Calendar::of(&windows)
    }

    fn from(text: &str) -> Opening {
        Opening::From(text.parse().unwrap())
    }

    #[test]
    fn a_lane_begins_only_where_its_length_still_fits() {
        let nights =
            json!([{"days": ["mon", "tue"], "from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}]);
        let gap = json!([{"days": ["sun"], "from": "02:10", "to": "02:50", "zone": "Europe/Berlin"}]);
        let once = json!([{"date": "2026-12-05", "from": "08:00", "to": "12:00", "zone": "UTC"}]);
        let touching = json!([
            {"from": "22:00", "to": "00:00", "zone": "UTC"},
            {"from": "00:00", "to": "02:00", "zone": "UTC"}]);
        let other_zones = json!([
            {"from": "22:00", "to": "23:00", "zone": "Asia/Tokyo"},
            {"from": "13:30", "to": "14:30", "zone": "UTC"}]);
        let broken = json!([{"from": "22:00", "to": "23:00", "zone": "Europe/Atlantis"}]);
        // Monday, 30 November 2026: Berlin is at UTC+1.
        let cases = [
            (json!([]), "2026-11-30T12:00:00Z", 0, Opening::Open),
            (nights.clone(), "2026-11-30T12:00:00Z", 0, from("2026-11-30T21:00:00Z")),
            (nights.clone(), "2026-11-30T20:59:59Z", 0, from("2026-11-30T21:00:00Z")),
            (nights.clone(), "2026-11-30T21:00:00Z", 0, Opening::Open),
            (nights.clone(), "2026-12-01T04:00:00Z", 3600, Opening::Open),
            (nights.clone(), "2026-12-01T04:00:01Z", 3600, from("2026-12-01T21:00:00Z")),
            (nights.clone(), "2026-12-01T05:00:00Z", 0, from("2026-12-01T21:00:00Z")),
            // The clock jumps over Tuesday's window: the next one is on Monday.
            (nights.clone(), "2026-12-02T12:00:00Z", 0, from("2026-12-07T21:00:00Z")),
            (nights.clone(), "2026-11-30T12:00:00Z", 8 * 3600, from("2026-11-30T21:00:00Z")),
            (nights.clone(), "2026-11-30T12:00:00Z", 8 * 3600 + 1, Opening::TooShort),
            (nights, "2026-11-30T12:00:00Z", u64::MAX, Opening::TooShort),
            // On 28 March 2027 the clock in Berlin goes from 02:00 to 03:00, and the window moves with it.
            (gap, "2027-03-28T00:00:00Z", 0, from("2027-03-28T01:10:00Z")),
            (once.clone(), "2026-11-30T12:00:00Z", 0, from("2026-12-05T08:00:00Z")),
            (once.clone(), "2026-12-05T08:00:00Z", 4 * 3600, Opening::Open),
            (once, "2026-12-05T12:00:00Z", 0, Opening::Never),
            (touching.clone(), "2026-11-30T23:00:00Z", 3 * 3600, Opening::Open),
            (touching, "2026-11-30T23:00:01Z", 3 * 3600, from("2026-12-01T22:00:00Z")),
            (other_zones.clone(), "2026-11-30T12:59:59Z", 5400, from("2026-11-30T13:00:00Z")),
            (other_zones, "2026-11-30T13:00:00Z", 5400, Opening::Open),
            (broken, "2026-11-30T12:00:00Z", 0, Opening::Never),
        ];
        for (windows, now, seconds, want) in cases {
            let got = calendar(windows.clone()).at(now.parse().unwrap(), seconds);
            assert_eq!(got, want, "{windows} at {now} for {seconds} s");
        }
    }

    #[test]
    fn a_window_in_the_past_and_a_window_to_come_differ() {
        let policy: Policy = serde_json::from_value(
            json!({"windows": [{"date": "2026-12-05", "from": "08:00", "to": "12:00", "zone": "UTC"}]}),
        )
        .unwrap();
        assert_eq!(policy.validate(), Ok(()));
        let at = |text: &str| crate::open_for(&policy, text.parse().unwrap(), 0);
        assert_eq!(at("2026-12-05T09:00:00Z"), Ok(()));
        assert_eq!(at("2026-12-01T09:00:00Z"), Err(Some("2026-12-05T08:00:00Z".parse().unwrap())));
        assert_eq!(at("2026-12-06T09:00:00Z"), Err(None), "in the past");
        let nine = "2026-12-05T09:00:00Z".parse().unwrap();
        assert_eq!(crate::open_for(&policy, nine, 3 * 3600), Ok(()));
        assert_eq!(crate::open_for(&policy, nine, 3 * 3600 + 1), Err(None), "it does not fit any more");
    }
}
