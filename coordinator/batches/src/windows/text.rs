//! A window as one line of text, as flags and messages have it: `fri,sat 22:00-06:00 Europe/Berlin`.

use super::{Day, Window, parse};
use jiff::civil::Date;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no window: {part:?} {what}; expected days or a date (or neither: every day), HH:MM-HH:MM and a time zone, e.g. \"fri,sat 22:00-06:00 Europe/Berlin\", \"2026-12-05 22:00-06:00 UTC\" or \"22:00-06:00 UTC\""
)]
pub struct BadWindow {
    text: String,
    part: String,
    what: &'static str,
}

const DAYS: [(&str, Day); 7] = [
    ("mon", Day::Mon),
    ("tue", Day::Tue),
    ("wed", Day::Wed),
    ("thu", Day::Thu),
    ("fri", Day::Fri),
    ("sat", Day::Sat),
    ("sun", Day::Sun),
];

impl FromStr for Window {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let bad = |part: &str, what| BadWindow { text: text.into(), part: part.into(), what };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (when, times, zone) = match parts[..] {
            [times, zone] => (None, times, zone),
            [when, times, zone] => (Some(when), times, zone),
            _ => return Err(bad(text, "has not two or three parts")),
        };
        let (from, to) = times.split_once('-').ok_or_else(|| bad(times, "is no HH:MM-HH:MM"))?;
        for time in [from, to] {
            parse::time(time).ok_or_else(|| bad(time, "is no time of a day from 00:00 to 23:59"))?;
        }
        if from == to {
            return Err(bad(times, "ends when it begins, so it would never be open"));
        }
        parse::zone(zone).ok_or_else(|| bad(zone, "is no IANA name of a time zone"))?;
        let (days, date) = match when {
            None => (vec![], None),
            Some(date) if date.starts_with(|c: char| !c.is_ascii_alphabetic()) => {
                let read = date.parse::<Date>().map_err(|_| bad(date, "is no date as YYYY-MM-DD"))?;
                (vec![], Some(read))
            }
            Some(days) => {
                let day = |day: &str| DAYS.iter().find(|(name, _)| *name == day).map(|(_, day)| *day);
                let day =
                    |text| day(text).ok_or_else(|| bad(text, "is no day: mon, tue, wed, thu, fri, sat, sun"));
                (days.split(',').map(day).collect::<Result<_, _>>()?, None)
            }
        };
        Ok(Self { days, date, from: from.into(), to: to.into(), zone: zone.into() })
    }
}

impl Display for Window {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let name = |day: &Day| DAYS.iter().find(|(_, d)| d == day).map_or("", |(name, _)| name);
        match (&self.date, self.days.is_empty()) {
            (Some(date), _) => write!(f, "{date} ")?,
            (None, false) => write!(f, "{} ", self.days.iter().map(name).collect::<Vec<_>>().join(","))?,
            (None, true) => {}
        }
        write!(f, "{}-{} {}", self.from, self.to, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_read_as_the_window_of_a_policy() {
        let cases = [
            (
                "fri,sat 22:00-06:00 Europe/Berlin",
                r#"{"days":["fri","sat"],"from":"22:00","to":"06:00","zone":"Europe/Berlin"}"#,
            ),
            (
                "2026-12-05 22:00-06:00 UTC",
                r#"{"date":"2026-12-05","from":"22:00","to":"06:00","zone":"UTC"}"#,
            ),
            ("  08:00-09:30   Etc/GMT-1 ", r#"{"from":"08:00","to":"09:30","zone":"Etc/GMT-1"}"#),
        ];
        for (text, json) in cases {
            let window: Window = text.parse().unwrap();
            assert_eq!(serde_json::to_string(&window).unwrap(), json);
            assert_eq!(window.to_string(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn a_text_that_is_no_window_is_named_with_its_part_and_an_example() {
        let cases = [
            ("", "\"\" is no window: \"\" has not two or three parts; expected"),
            ("22:00-06:00", "\"22:00-06:00\" has not two or three parts"),
            ("fri sat 22:00-06:00 UTC", "\"fri sat 22:00-06:00 UTC\" has not two or three parts"),
            ("fri 22:00 UTC", "\"22:00\" is no HH:MM-HH:MM"),
            ("fri 22-06 UTC", "\"22\" is no time of a day from 00:00 to 23:59"),
            ("fri 22:00-24:00 UTC", "\"24:00\" is no time of a day"),
            ("fri 22:00-22:00 UTC", "\"22:00-22:00\" ends when it begins, so it would never be open"),
            ("fri 22:00-06:00 Europe/Atlantis", "\"Europe/Atlantis\" is no IANA name of a time zone"),
            ("friday 22:00-06:00 UTC", "\"friday\" is no day: mon, tue"),
            ("fri,,sat 22:00-06:00 UTC", "\"\" is no day: mon, tue"),
            ("2026-13-05 22:00-06:00 UTC", "\"2026-13-05\" is no date as YYYY-MM-DD"),
            ("2026-12-05,fri 22:00-06:00 UTC", "\"2026-12-05,fri\" is no date"),
        ];
        for (text, want) in cases {
            let error = text.parse::<Window>().expect_err(text).to_string();
            assert!(
                error.starts_with(&format!("{text:?} is no window: ")) && error.contains(want),
                "{error}"
            );
            assert!(error.contains("e.g. \"fri,sat 22:00-06:00 Europe/Berlin\""), "{error}");
        }
    }

    fn a_window() -> impl Strategy<Value = Window> {
        let time = || (0..24_u8, 0..60_u8).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
        let day = (0..7_usize).prop_map(|at| DAYS[at].1);
        let days = prop::collection::vec(day, 0..9);
        let date = prop::option::of(
            (-3_000_000..2_900_000_i32)
                .prop_filter_map("a date", |days| Date::constant(1970, 1, 1).checked_add(days.days()).ok()),
        );
        let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Port-au-Prince", "Etc/GMT+12"]);
        (days, date, time(), time(), zone).prop_filter_map(
            "open for a while",
            |(days, date, from, to, zone)| {
                let days = if date.is_some() { vec![] } else { days };
                (from != to).then(|| Window { days, date, from, to, zone: zone.into() })
            },
        )
    }

    proptest! {
        #[test]
        fn a_window_that_is_written_is_read_as_it_was(window in a_window()) {
            prop_assert_eq!(window.to_string().parse::<Window>(), Ok(window.clone()));
            prop_assert_eq!(window.validate("windows[0]"), Ok(()));
        }

        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_valid(text in "[0-9a-z:,/ -]{0,40}") {
            if let Ok(window) = text.parse::<Window>() {
                prop_assert_eq!(window.validate("windows[0]"), Ok(()));
                prop_assert_eq!(window.to_string().parse::<Window>(), Ok(window));
            }
        }
    }
}
