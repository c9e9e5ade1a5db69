//! What the sentinel can't look at: a watch that breaks again and again, and a scope of its rounds that is not seen. Neither changes any
//! other row, so without a row of its own it would look as if nothing were wrong.

use super::Sentinel;
use super::drift::Scope;
use super::look::{Round, Row};
use crate::cluster::{Followed, UNREACHABLE};
use podlift_engine::Severity;
use podlift_model::{Failure, codes};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// First part of the names of these rows.
const WATCH: &str = "watch";
const BLIND: &str = "blind";
/// Failures in a row from which a part counts as not seen.
const FAILURES: u32 = 3;
/// Time that a watch has to fail, besides: its first attempts follow each other within a second.
const MINUTE: Duration = Duration::from_secs(60);

/// The failures in a row of one watch.
pub(super) struct Broken {
    failures: u32,
    since: Instant,
}

impl Broken {
    pub fn new() -> Self {
        Self { failures: 0, since: Instant::now() }
    }

    fn again(&mut self) -> bool {
        self.failures += 1;
        self.failures >= FAILURES && self.since.elapsed() >= MINUTE
    }
}

fn watch(what: &Followed) -> String {
    match what {
        Followed::Services => format!("{WATCH}/services"),
        Followed::Secret { namespace, name } => format!("{WATCH}/secret {namespace}/{name}"),
    }
}

impl Sentinel {
    /// A watch ended, and had brought nothing.
    pub(super) fn broke(&self, what: &Followed, broken: &mut Broken, failure: &Failure) {
        let key = watch(what);
        // The watch of services says the same of an API that can't be reached.
        let said = *what != Followed::Services && failure.code == UNREACHABLE;
        if !broken.again() || said || self.store.sentinels().get(&key).is_some() {
            return;
        }
        let name = key.trim_start_matches(WATCH).trim_start_matches('/');
        let next = match failure.code == codes::API_FORBIDDEN {
            true => "kubectl apply -f /usr/share/doc/podlift/rbac.yaml",
            false => "podlift validate",
        };
        let what = format!("the sentinel can't follow {name}: {}", failure.message);
        self.see(row(key, what, next));
    }

    /// A watch brought a change.
    pub(super) fn follows(&self, what: &Followed) {
        self.clear(&watch(what), "it is followed again".into());
    }

    /// Nothing is said any more about a watch that is not needed.
    pub(super) fn follows_only(&self, all: &[Followed]) {
        let kept: BTreeSet<String> = all.iter().map(watch).collect();
        let known = self.store.sentinels();
        let own = |key: &&String| key.split('/').next() == Some(WATCH) && !kept.contains(*key);
        known.keys().filter(own).for_each(|key| self.clear(key, "it is not followed any more".into()));
    }

    /// What the round could not look at.
    pub(super) fn unseen(&self, blind: &mut Blind, round: &Round) {
        for scope in round.seen() {
            self.clear(&format!("{BLIND}/{scope}"), "it is looked at again".into());
        }
        blind.rows(round).into_iter().for_each(|row| self.see(row));
    }
}

/// Scope to the number of rounds in a row that could not look at it.
#[derive(Default)]
pub(super) struct Blind(BTreeMap<Scope, u32>);

impl Blind {
    fn rows(&mut self, round: &Round) -> Vec<Row> {
        self.0.retain(|scope, _| !round.seen().contains(scope));
        let mut rows = vec![];
        for (scope, why) in round.unseen() {
            let failures = self.0.entry(scope).or_default();
            *failures += 1;
            if *failures >= FAILURES {
                let what = format!("the sentinel can't look at {scope}: {why}");
                rows.push(row(format!("{BLIND}/{scope}"), what, "podlift validate"));
            }
        }
        rows
    }
}

fn row(key: String, what: String, next: &str) -> Row {
    Row { key, issue: None, severity: Severity::Warning, what, evidence: vec![], next: next.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_named_from_the_third_round_on_and_forgotten_when_it_is_seen() {
        let mut blind = Blind::default();
        let mut away = Round::default();
        away.blind("bcm", "its agent is silent".into());
        let mut seen = Round::default();
        seen.looked("bcm");
        for (round, want) in
            [(&away, 0), (&away, 0), (&away, 1), (&away, 1), (&seen, 0), (&away, 0), (&away, 0), (&away, 1)]
        {
            let rows = blind.rows(round);
            assert_eq!(rows.len(), want);
            assert!(
                rows.iter().all(|row| row.key == "blind/bcm" && row.what.contains("its agent is silent"))
            );
        }
    }
}
