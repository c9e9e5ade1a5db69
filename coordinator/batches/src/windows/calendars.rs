//! The windows of the policy and those of its groups. Nodes of several groups that must go together begin when all their windows are open.

use super::{Calendar, Opening};
use crate::Policy;
use jiff::Timestamp;

/// After so many openings, one after the other, at which another window is closed, the windows are never open together. Windows repeat each
/// week, and seven days of windows that open every hour and miss each other are fewer.
const MISSES: u32 = 400;

/// The number of a calendar: 0 for the windows of the policy, and from 1 on those of the groups, in their order.
pub(crate) type At = usize;

pub(crate) struct Calendars(Vec<Calendar>);

impl Calendars {
    pub fn of(policy: &Policy) -> Self {
        let groups = policy.groups.iter().map(|group| &group.windows);
        Self([&policy.windows].into_iter().chain(groups).map(|windows| Calendar::of(windows)).collect())
    }

    /// The calendar of a worker of this group.
    pub fn of_group(policy: &Policy, group: Option<usize>) -> At {
        let own = group.filter(|at| !policy.groups[*at].windows.is_empty());
        own.map_or(0, |at| at + 1)
    }

    /// When lanes of this length may begin together, by all of these calendars.
    pub fn at(&self, all: &[At], now: Timestamp, seconds: u64) -> Opening {
        let mut time = now;
        for _ in 0..MISSES {
            match self.latest(all, time, seconds) {
                Opening::From(later) => time = later,
                Opening::Open if time == now => return Opening::Open,
                Opening::Open => return Opening::From(time),
                // A calendar of one date that is over when the others open is no calendar that never opens.
                _ if time > now => return Opening::Apart,
                never => return never,
            }
        }
        Opening::Apart
    }

    /// What is not open at that time decides: first what never opens, then what opens last.
    fn latest(&self, all: &[At], now: Timestamp, seconds: u64) -> Opening {
        let openings = all.iter().map(|at| self.0[*at].at(now, seconds));
        let order = |opening: &Opening| match opening {
            Opening::Open => (0, now),
            Opening::From(start) => (1, *start),
            Opening::TooShort => (2, now),
            Opening::Never => (3, now),
            Opening::Apart => (4, now),
        };
        openings.max_by_key(order).unwrap_or(Opening::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nodes_that_go_together_begin_when_all_their_windows_are_open() {
        let window = |text: &str| serde_json::to_value(text.parse::<crate::Window>().unwrap()).unwrap();
        let group = |text: &str| json!({"name": "g", "selector": "a=b", "max-unavailable": 1, "windows": [window(text)]});
        // Monday, 30 November 2026, at noon.
        let noon = "2026-11-30T12:00:00Z";
        let from = |text: &str| Opening::From(text.parse().unwrap());
        let cases = [
            (["11:00-13:00 UTC", "11:30-12:30 UTC"], 1800, Opening::Open),
            (["11:00-13:00 UTC", "11:30-12:30 UTC"], 1801, from("2026-12-01T11:30:00Z")),
            (["11:00-13:00 UTC", "12:10-14:00 UTC"], 1800, from("2026-11-30T12:10:00Z")),
            (["11:00-13:00 UTC", "12:10-14:00 UTC"], 3000, from("2026-11-30T12:10:00Z")),
            (["11:00-13:00 UTC", "12:10-14:00 UTC"], 3001, Opening::Apart),
            (["mon,tue 08:00-09:00 UTC", "tue,wed 08:30-10:00 UTC"], 1800, from("2026-12-01T08:30:00Z")),
            (["mon 08:00-09:00 UTC", "tue 08:00-09:00 UTC"], 60, Opening::Apart),
            (["2026-12-24 08:00-20:00 UTC", "thu 19:00-21:00 UTC"], 60, from("2026-12-24T19:00:00Z")),
            (["2026-12-24 08:00-20:00 UTC", "fri 19:00-21:00 UTC"], 60, Opening::Apart),
            (["2026-11-01 08:00-20:00 UTC", "08:00-20:00 UTC"], 60, Opening::Never),
            (["08:00-09:00 UTC", "08:00-20:00 UTC"], 7200, Opening::TooShort),
        ];
        for (windows, seconds, want) in cases {
            let groups: Vec<_> = windows.iter().map(|text| group(text)).collect();
            let policy: Policy = serde_json::from_value(json!({ "groups": groups })).unwrap();
            let calendars = Calendars::of(&policy);
            let time = noon.parse().unwrap();
            for all in [[1, 2, 0], [2, 0, 1]] {
                assert_eq!(calendars.at(&all, time, seconds), want, "{windows:?} for {seconds} s");
            }
            assert_eq!(calendars.at(&[0], time, seconds), Opening::Open, "the policy has no windows");
        }
    }
}
