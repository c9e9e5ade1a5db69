//! The `[heal]` table of the agent's configuration. Each setting has the default that is documented here.

use podlift_common::config::duration;
use serde::Deserialize;
use std::time::Duration;

/// What the heal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Repairs.
    Enforce,
    /// Only reports what it would repair.
    Observe,
    /// Looks at nothing.
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Heal {
    /// "enforce"
    pub mode: Mode,
    /// Interval at which everything is looked at, as a safety net behind the notices; four times as long, at most 8 s, while nothing is
    /// pending. "2s"
    #[serde(with = "duration")]
    pub tick: Duration,
    /// Interval at which the own API server and etcd are asked, for the expectations. "30s"
    #[serde(with = "duration")]
    pub check: Duration,
    /// Repairs of one file within an hour; further problems are only reported. 6
    pub budget_per_hour: u32,
    /// Repairs of one file within a minute that another process undid; then it is only reported until the guard is armed again. 3
    pub fight_limit: u32,
    /// Gates that this site does not want, whatever their value. ["MaxUnavailableStatefulSet"], from the site's runbook. The gate still
    /// exists in 1.32, so this is a site rule and no rescue.
    pub site_gates: Vec<String>,
}

impl Default for Heal {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            tick: Duration::from_secs(2),
            check: Duration::from_secs(30),
            budget_per_hour: 6,
            fight_limit: 3,
            site_gates: vec!["MaxUnavailableStatefulSet".into()],
        }
    }
}
