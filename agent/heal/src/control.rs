//! What others ask of the heal: arm, disarm, exempt, findings, and what it knows. Nothing here repairs.

use super::expectations::{self, Expectations};
use super::guard::{self, Guard};
use super::healer::{Heal, State};
use super::rules::{Finding, judge};
use crate::settings::Mode;
use podlift_host::paths;
use podlift_model::facts::{ExpectationFacts, GuardState};
use podlift_model::heal::{HealEvent, HealFinding};
use podlift_model::op::Component;
use podlift_model::{Digest, RunId};
use std::io;
use std::time::Duration;

impl Heal {
    /// All findings, nothing changed.
    pub fn findings(&self) -> Vec<HealFinding> {
        let mut all = Vec::new();
        for component in Component::ALL {
            let path = paths::manifest(*component);
            let stat = self.host.files.stat(&path);
            let Ok(Some(look)) = self.read(*component, &path, stat) else { continue };
            let state = self.state();
            if state.exempt.contains(&look.hash) {
                continue;
            }
            let settled = self.settled(&state, *component, &look);
            let found =
                judge(*component, &look.seen, &self.situation(&state, *component, &look.hash, settled));
            let spent = self.spent(&state, *component);
            all.extend(found.iter().map(|f| self.to_model(f, *component, spent.as_deref())));
        }
        all
    }

    /// Why the next repair of this file would be held back. Asks a copy: asking spends nothing.
    fn spent(&self, state: &State, component: Component) -> Option<String> {
        let now = self.host.clock.since_boot();
        let (per_hour, fight_limit) = (self.config.budget_per_hour, self.config.fight_limit);
        state.budget.clone().check(component, now, per_hour, fight_limit).err().map(|spent| spent.to_string())
    }

    fn to_model(&self, finding: &Finding, component: Component, spent: Option<&str>) -> HealFinding {
        let mut model = finding.to_model(&component.file());
        let mode = match self.config.mode {
            Mode::Enforce => None,
            Mode::Observe => Some("heal.mode is observe"),
            Mode::Off => Some("heal.mode is off"),
        };
        model.report_only = model.report_only.or(mode.or(spent).map(String::from));
        model
    }

    fn is_armed(&self, state: &State) -> bool {
        self.armed_guard(state).is_some()
    }

    pub(crate) fn armed_guard<'a>(&self, state: &'a State) -> Option<&'a Guard> {
        let now = self.host.clock.since_boot();
        state.guard.as_ref().filter(|g| g.armed(&self.boot, now))
    }

    pub fn guard(&self) -> GuardState {
        let state = self.state();
        match (&self.config.mode, &state.guard) {
            (Mode::Off, _) => GuardState::Off,
            (_, Some(guard)) if self.is_armed(&state) => GuardState::Armed { run: guard.run.clone() },
            _ => GuardState::Steady,
        }
    }

    /// Until `seconds` from now on the boot clock. Looks at everything at once.
    pub fn arm(&self, run: &RunId, seconds: u32) -> io::Result<()> {
        let until = self.host.clock.since_boot() + Duration::from_secs(seconds.into());
        let hash = |c: &Component| Some((*c, Digest::of(self.host.files.read(&paths::manifest(*c)).ok()?)));
        let as_armed = Component::ALL.iter().filter_map(hash).collect();
        let guard = Guard { run: run.clone(), boot: self.boot.clone(), until, as_armed };
        guard::save(self.host.files.as_ref(), Some(&guard))?;
        let mut state = self.state();
        state.guard = Some(guard);
        state.budget.forget_fights();
        state.clean.clear();
        drop(state);
        self.look_at_all();
        Ok(())
    }

    pub fn disarm(&self) -> io::Result<()> {
        guard::save(self.host.files.as_ref(), None)?;
        self.state().guard = None;
        Ok(())
    }

    /// A manifest that was restored on purpose.
    pub fn exempt(&self, hash: &Digest) -> io::Result<()> {
        let mut state = self.state();
        state.exempt.insert(hash.clone());
        expectations::save_exempt(self.host.files.as_ref(), &state.exempt)
    }

    pub fn expectations(&self) -> Option<Expectations> {
        self.state().expectations.clone()
    }

    pub fn expectation_facts(&self) -> Option<ExpectationFacts> {
        self.state().expectations.as_ref().map(Expectations::facts)
    }

    /// A kubeadm of ours runs from now on.
    pub fn kubeadm_started(&self) {
        self.state().kubeadm += 1;
    }

    /// It has ended, however; what it left missing may be put back.
    pub fn kubeadm_ended(&self) {
        let mut state = self.state();
        state.kubeadm = state.kubeadm.saturating_sub(1);
        state.ended = Component::ALL.iter().copied().collect();
        state.clean.clear();
        drop(state);
        self.wake.notify_one();
    }

    pub fn kubeadm_running(&self) -> bool {
        self.state().kubeadm > 0
    }

    /// Heals that the coordinator does not have yet.
    pub fn pending(&self) -> Vec<HealEvent> {
        self.history.pending()
    }

    pub fn ack(&self, id: &str) {
        drop(
            self.history
                .ack(id)
                .inspect_err(|error| tracing::warn!(%error, "an acknowledged heal could not be recorded")),
        );
    }

    /// Takes over what `learn` found out.
    pub fn set_expectations(&self, new: Expectations) -> io::Result<()> {
        expectations::save_expectations(self.host.files.as_ref(), &new)?;
        let mut state = self.state();
        state.expectations = Some(new);
        state.other_etcd = None;
        state.clean.clear();
        Ok(())
    }

    pub fn set_other_etcd(&self, other: Option<String>) {
        let mut state = self.state();
        if state.other_etcd != other {
            state.clean.clear();
        }
        state.other_etcd = other;
    }
}
