//! `[sentinel]` of the configuration.

use podlift_common::config::duration;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SentinelSettings {
    /// What the coordinator does outside of runs: "off", "report", or "repair", which makes lost services and TLS secrets again. "report"
    pub mode: Mode,
    /// Time between two looks at the cluster, at least a second. "5m"
    #[serde(deserialize_with = "seconds")]
    pub interval: Duration,
    /// Days before its end from which a certificate is reported, 1 to 365. 30
    #[serde(rename = "expires-within-days", deserialize_with = "days")]
    pub expires_within_days: u32,
}

impl Default for SentinelSettings {
    fn default() -> Self {
        Self { mode: Mode::Report, interval: Duration::from_secs(300), expires_within_days: 30 }
    }
}

/// What the sentinel does outside of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    Off,
    #[default]
    Report,
    Repair,
}

#[derive(Debug, thiserror::Error)]
#[error("sentinel.mode = {0:?} is not valid: expected \"off\", \"report\" or \"repair\"")]
struct InvalidMode(String);

#[derive(Debug, thiserror::Error)]
#[error("sentinel.expires-within-days = {0} is not valid: expected a number of days from 1 to 365")]
struct InvalidDays(i64);

impl Mode {
    pub const ALL: [Self; 3] = [Self::Off, Self::Report, Self::Repair];

    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Repair => "repair",
        }
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| D::Error::custom(InvalidMode(text)))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("sentinel.interval = {0:?} is not valid: expected at least \"1s\"")]
struct InvalidInterval(Duration);

fn seconds<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    let interval: Duration = duration::deserialize(d)?;
    match interval >= Duration::from_secs(1) {
        true => Ok(interval),
        false => Err(D::Error::custom(InvalidInterval(interval))),
    }
}

fn days<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    let number = i64::deserialize(d)?;
    match u32::try_from(number) {
        Ok(days @ 1..=365) => Ok(days),
        _ => Err(D::Error::custom(InvalidDays(number))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bad_value_names_field_value_and_what_was_expected() {
        let read = |json: serde_json::Value| serde_json::from_value::<SentinelSettings>(json);
        assert_eq!(read(json!({})).unwrap(), SentinelSettings::default());
        let own = read(json!({"mode": "repair", "interval": "30s", "expires-within-days": 7})).unwrap();
        assert_eq!(
            (own.mode, own.interval, own.expires_within_days),
            (Mode::Repair, Duration::from_secs(30), 7)
        );
        for (json, want) in [
            (
                json!({"mode": "on"}),
                "sentinel.mode = \"on\" is not valid: expected \"off\", \"report\" or \"repair\"",
            ),
            (
                json!({"expires-within-days": 0}),
                "sentinel.expires-within-days = 0 is not valid: expected a number of days from 1 to 365",
            ),
            (json!({"expires-within-days": 366}), "= 366 is not valid"),
            (json!({"interval": "0s"}), "sentinel.interval = 0ns is not valid: expected at least \"1s\""),
            (json!({"every": "1m"}), "every"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
