//! What the sentinel sees now: a fold of its events.

use crate::issues::IssueName;
use crate::machine::Event;
use crate::program::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentinelView {
    /// off, report, repair
    pub mode: String,
    /// Since when it watches; `None` if it does not watch now, as while a run is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What it sees, the worst first.
    pub seen: Vec<SentinelRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SentinelRow {
    /// A name that stays while it is seen: `drift/kubeadm-config`.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<IssueName>,
    pub severity: Severity,
    pub what: String,
    pub since: Timestamp,
    pub next: String,
}

/// What was seen and not cleared. A fold over the journal that can be repeated with the same result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentinels(BTreeMap<String, SentinelRow>);

impl Sentinels {
    pub fn hear(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::SentinelSaw { key, issue, severity, what, next, .. } => {
                // A row whose sentence changes keeps its begin.
                let since = self.0.get(key).map_or(at, |row| row.since);
                let row = SentinelRow {
                    key: key.clone(),
                    issue: *issue,
                    severity: *severity,
                    what: what.clone(),
                    since,
                    next: next.clone(),
                };
                self.0.insert(key.clone(), row);
            }
            Event::SentinelCleared { key, .. } => drop(self.0.remove(key)),
            _ => {}
        }
    }

    pub fn get(&self, key: &str) -> Option<&SentinelRow> {
        self.0.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    pub fn view(&self, mode: &str, since: Option<Timestamp>) -> SentinelView {
        let mut seen: Vec<SentinelRow> = self.0.values().cloned().collect();
        seen.sort_by(|a, b| (a.severity, a.since, &a.key).cmp(&(b.severity, b.since, &b.key)));
        SentinelView { mode: mode.into(), since, seen }
    }
}
