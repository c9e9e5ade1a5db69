//! Looks at an interval, while no run is open: what is seen becomes an event when it begins, when its sentence changes, and when it is over.
//! A part that could not be looked at changes nothing of what is known about it.

use super::Sentinel;
use super::baseline::Baseline;
use super::blind::Blind;
use super::drift::{self, Scope};
use podlift_engine::Severity;
use podlift_engine::issues::{Fact, IssueName};
use podlift_engine::machine::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Longest wait before the first look.
const FIRST: Duration = Duration::from_secs(30);

/// Something that the sentinel sees.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// A name that stays while it is seen; it begins with its scope.
    pub key: String,
    pub issue: Option<IssueName>,
    pub severity: Severity,
    pub what: String,
    pub evidence: Vec<Fact>,
    pub next: String,
}

/// What one round has looked at, and what it saw.
#[derive(Debug, Default)]
pub(super) struct Round {
    scopes: Vec<Scope>,
    rows: BTreeMap<String, Row>,
    /// Scopes that could not be looked at, each with the reason.
    blind: BTreeMap<Scope, String>,
}

impl Round {
    /// The scope was looked at: its rows that are not seen any more are over.
    pub fn looked(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    /// The scope could not be looked at.
    pub fn blind(&mut self, scope: Scope, why: String) {
        self.blind.insert(scope, why);
    }

    pub fn seen(&self) -> &[Scope] {
        &self.scopes
    }

    pub fn unseen(&self) -> impl Iterator<Item = (Scope, &String)> {
        self.blind.iter().map(|(scope, why)| (*scope, why))
    }

    pub fn row(&mut self, row: Row) {
        self.rows.insert(row.key.clone(), row);
    }

    fn over(&self, key: &str) -> bool {
        let looked =
            self.scopes.iter().any(|scope| key.strip_prefix(scope).is_some_and(|r| r.starts_with('/')));
        looked && !self.rows.contains_key(key)
    }
}

impl Sentinel {
    /// Looks without end; in an open run the run itself looks.
    pub(super) async fn looks(&self, baseline: &Baseline) {
        if baseline.open {
            return std::future::pending().await;
        }
        // What a run has just changed comes to rest first.
        let first = Instant::now() + self.settings.interval.min(FIRST);
        let mut ticks = interval_at(first, self.settings.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut memory, mut blind) = (drift::Memory::default(), Blind::default());
        loop {
            ticks.tick().await;
            let round = self.round(baseline, &mut memory).await;
            self.compare(&round);
            self.unseen(&mut blind, &round);
        }
    }

    pub(super) fn compare(&self, round: &Round) {
        // What the watch has seen go is judged each second, with its own sentence.
        let lost: BTreeSet<String> = self.keeper.gone().iter().map(super::losses::key).collect();
        let known = self.store.sentinels();
        for key in known.keys().filter(|key| round.over(key) && !lost.contains(*key)) {
            self.clear(key, "it is not seen any more".into());
        }
        round.rows.values().filter(|row| !lost.contains(&row.key)).cloned().for_each(|row| self.see(row));
    }

    /// Writes a row, unless exactly that was written last.
    pub(super) fn see(&self, row: Row) {
        let known = self.store.sentinels();
        let same = |k: &podlift_engine::view::SentinelRow| {
            (k.severity, &k.what, &k.next) == (row.severity, &row.what, &row.next)
        };
        if known.get(&row.key).is_some_and(same) {
            return;
        }
        let Row { key, issue, severity, what, evidence, next } = row;
        self.write(None, Event::SentinelSaw { key, issue, severity, what, evidence, next });
    }

    /// Nothing is written about a row that is not seen.
    pub(super) fn clear(&self, key: &str, what: String) {
        if self.store.sentinels().get(key).is_some() {
            self.write(None, Event::SentinelCleared { key: key.into(), what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_of_a_scope_that_was_looked_at_are_over() {
        let mut round = Round::default();
        round.looked("agents");
        round.row(Row {
            key: "agents/silent".into(),
            issue: None,
            severity: Severity::Warning,
            what: "1 agent is silent: dgx030".into(),
            evidence: vec![],
            next: "podlift status".into(),
        });
        assert!(!round.over("agents/silent"), "it is seen");
        assert!(round.over("agents/old"));
        assert!(!round.over("drift/kubeadm-config"), "nobody looked");
        assert!(!round.over("agents-of-others/x"));
    }
}
