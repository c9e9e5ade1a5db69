//! Maintenance windows: when lanes may begin. A window repeats every week on its days, or opens on one date.

mod calendar;
mod calendars;
mod parse;
mod text;

pub(crate) use calendar::{Calendar, Opening};
pub(crate) use calendars::Calendars;
pub use text::BadWindow;

use crate::Policy;
use crate::policy::{PolicyError, check};
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Window {
    /// The days on which it opens. Empty: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The one date on which it opens, e.g. `2026-12-05`. `None`: every week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// `HH:MM` in the zone.
    pub from: String,
    /// `HH:MM` in the zone: of the next day if it is earlier than `from`.
    pub to: String,
    /// The IANA name of a time zone, e.g. `Europe/Berlin`.
    pub zone: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const TIME: &str = "is no time of a day: expected HH:MM from 00:00 to 23:59, e.g. \"22:00\"";
const SAME: &str = "is the time at which the window opens, so it would never be open: expected another time, of the next day if it is earlier";
const ZONE: &str = "is no time zone: expected an IANA name, e.g. \"Europe/Berlin\" or \"UTC\"";
const DATE: &str = "is given beside days: expected one of them, because a date has its day already";

impl Window {
    /// The path is that of the window inside `[rollout]`.
    pub(crate) fn validate(&self, path: &str) -> Result<(), PolicyError> {
        let field = |name: &str| format!("{path}.{name}");
        check(&field("from"), &self.from, parse::time(&self.from).is_some(), TIME)?;
        check(&field("to"), &self.to, parse::time(&self.to).is_some(), TIME)?;
        check(&field("to"), &self.to, self.from != self.to, SAME)?;
        check(&field("zone"), &self.zone, parse::zone(&self.zone).is_some(), ZONE)?;
        let date = self.date.map(|date| date.to_string()).unwrap_or_default();
        check(&field("date"), date, self.date.is_none() || self.days.is_empty(), DATE)
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// Whether work of this length fits into the window that is open now. The error says from when on it fits; `None` if it fits into no window
/// to come. For steps that are no lane of a worker: the windows of groups are not looked at.
pub fn open_for(policy: &Policy, now: Timestamp, seconds: u64) -> Result<(), Option<Timestamp>> {
    answer(Calendar::of(&policy.windows).at(now, seconds))
}

/// The same for the lane of a worker with these labels and this BCM category: the windows of its group count, if it has any.
pub fn open_for_worker(
    policy: &Policy,
    labels: &BTreeMap<String, String>,
    category: Option<&str>,
    now: Timestamp,
    seconds: u64,
) -> Result<(), Option<Timestamp>> {
    let own = policy.group_of(labels, category).map(|group| &group.windows).filter(|own| !own.is_empty());
    answer(Calendar::of(own.unwrap_or(&policy.windows)).at(now, seconds))
}

fn answer(opening: Opening) -> Result<(), Option<Timestamp>> {
    match opening {
        Opening::Open => Ok(()),
        Opening::From(start) => Err(Some(start)),
        Opening::Never | Opening::TooShort | Opening::Apart => Err(None),
    }
}
