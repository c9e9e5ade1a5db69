//! The heal's report about itself, for `podlift heal status`. It only reads: it repairs nothing and spends no budget.

use crate::Heal;
use crate::budget::Fight;
use crate::expectations::Forbidden;
use crate::guard::Guard;
use crate::manifest::Manifest;
use crate::rules::Seen;
use crate::settings::Mode;
use podlift_model::heal::{HealExpectations, HealFacts, HealFight, HealFile, HealGuard, HealMode};
use podlift_model::op::Component;

impl Heal {
    pub fn facts(&self) -> HealFacts {
        let findings = self.findings();
        let guard = self.armed_guard(&self.state()).map(guard);
        HealFacts {
            mode: match self.config.mode {
                Mode::Enforce => HealMode::Enforce,
                Mode::Observe => HealMode::Observe,
                Mode::Off => HealMode::Off,
            },
            guard,
            watching: self.meters.is_watching(),
            expectations: self.expected(),
            findings,
            files: Component::ALL.iter().filter_map(|c| self.file_facts(*c)).collect(),
        }
    }

    fn expected(&self) -> Option<HealExpectations> {
        let state = self.state();
        let known = state.expectations.as_ref()?;
        Some(HealExpectations {
            etcd_overrides: known.etcd_overrides.clone(),
            etcd_prefix: known.etcd_prefix.clone(),
            forbidden: known.may_heal(self.node.as_str()).err(),
            etcd_servers: known.etcd_servers.split(',').map(String::from).collect(),
            etcd_cluster: known.etcd_cluster.clone(),
            other_etcd: match &known.forbidden {
                Some(Forbidden::AnotherCluster { id }) => Some(id.clone()),
                _ => None,
            },
            learned_from: known.learned_from.clone(),
            at: known.at,
        })
    }

    /// `None` if the file does not exist and never existed.
    fn file_facts(&self, component: Component) -> Option<HealFile> {
        let file = component.file();
        let look = self
            .seen(component)
            .ok()
            .filter(|look| matches!(look.seen, Seen::Manifest(_) | Seen::Unreadable(_)));
        let now = self.host.clock.since_boot();
        let state = self.state();
        let good = state.ring.of(component).to_vec();
        let unlearned = state.unlearned.get(&component).map(|u| u.told.clone());
        drop(state);
        let budget = self.allowance.per_hour;
        (look.is_some() || !good.is_empty() || unlearned.is_some()).then(|| HealFile {
            opaque: look.as_ref().and_then(|look| look.manifest()).and_then(Manifest::opaque),
            unlearned,
            component,
            sha256: look.map(|look| look.hash.clone()),
            budget,
            budget_left: self.history.budget(|b| b.left(component, now, budget)),
            fight: self.history.budget(|b| b.fight(component, now).map(fight)),
            last: self.history.last(&file),
            file,
            good,
        })
    }
}

fn guard(guard: &Guard) -> HealGuard {
    HealGuard { allow: guard.allow.clone(), run: guard.run.clone(), until: guard.until_wall }
}

fn fight(fight: &Fight) -> HealFight {
    HealFight { since: fight.since, by: fight.by.clone() }
}
