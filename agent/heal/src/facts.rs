//! What the heal tells about itself, for `podlift heal status`. Reads; never repairs, never spends.

use crate::Heal;
use crate::settings::Mode;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::heal::{GoodManifest, HealExpectations, HealFacts, HealFile, HealGuard, HealMode};
use podlift_model::op::Component;

impl Heal {
    pub fn facts(&self) -> HealFacts {
        let findings = self.findings();
        let guard = {
            let state = self.state();
            self.armed_guard(&state).map(|g| HealGuard { run: g.run.clone(), until: None })
        };
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
            etcd_servers: known.etcd_servers.split(',').map(String::from).collect(),
            etcd_cluster: known.etcd_cluster.clone(),
            other_etcd: state.other_etcd.clone(),
            learned_from: known.learned_from.clone(),
            at: known.at,
        })
    }

    /// None where there is no such file and never was one.
    fn file_facts(&self, component: Component) -> Option<HealFile> {
        let sha256 = self.host.files.read(&paths::manifest(component)).ok().map(Digest::of);
        let state = self.state();
        let good: Vec<GoodManifest> = state
            .expectations
            .iter()
            .filter_map(|e| {
                let sha256 = e.good.get(&component)?.clone();
                Some(GoodManifest { sha256, at: e.at, version: None })
            })
            .collect();
        let now = self.host.clock.since_boot();
        (sha256.is_some() || !good.is_empty()).then(|| HealFile {
            component,
            file: component.file(),
            sha256,
            budget: self.config.budget_per_hour,
            budget_left: state.budget.left(component, now, self.config.budget_per_hour),
            fight: None,
            last: None,
            good,
        })
    }
}
