//! Requests of the agent to the heal: arm, disarm, exempt, and questions about its state. Nothing here edits a file by itself.

use crate::expectations::{self, Expectations};
use crate::guard::{self, Guard};
use crate::healer::Heal;
use crate::settings::Mode;
use crate::state::State;
use podlift_model::facts::{ExpectationFacts, GuardState};
use podlift_model::heal::HealEvent;
use podlift_model::op::{Component, FlagLoss};
use podlift_model::{Digest, RunId};
use std::io;
use std::time::Duration;

impl Heal {
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

    /// Arms the guard until `seconds` from now on the boot clock, and looks at everything at once. `allow` names the losses that the run
    /// intends.
    pub fn arm(&self, run: &RunId, seconds: u32, allow: &[FlagLoss]) -> io::Result<()> {
        let until = self.host.clock.since_boot() + Duration::from_secs(seconds.into());
        let hash =
            |c: &Component| Some((*c, self.seen(*c).ok().filter(|look| look.stat.is_some())?.hash.clone()));
        let as_armed = Component::ALL.iter().filter_map(hash).collect();
        let until_wall = Some(self.host.clock.now() + Duration::from_secs(seconds.into()));
        let (run, boot, allow) = (run.clone(), self.boot.clone(), allow.to_vec());
        self.mean(&allow)?;
        let guard = Guard { run, boot, until, until_wall, as_armed, allow };
        guard::save(self.host.files.as_ref(), Some(&guard))?;
        self.history.forgive()?;
        self.state().guard = Some(guard);
        self.look_at_all();
        Ok(())
    }

    pub fn disarm(&self) -> io::Result<()> {
        guard::save(self.host.files.as_ref(), None)?;
        self.state().guard = None;
        // Losses that the run intended but that did not happen are no longer intended.
        self.mean(&[])
    }

    /// Intends these losses from now on, besides the ones that happened and were not learned yet.
    fn mean(&self, allow: &[FlagLoss]) -> io::Result<()> {
        if allow.iter().any(|loss| loss.flag.as_str() == "etcd-servers") {
            tracing::warn!(
                "--etcd-servers can't be meant to go: the API server would not start; it is healed as ever"
            );
        }
        let happened = |l: &FlagLoss| {
            let look = self.seen(l.component).ok();
            look.is_none_or(|look| look.manifest().is_none_or(|m| m.find(l.flag.as_str()).is_empty()))
        };
        let before = self.state().meant.clone();
        let mut all = allow.to_vec();
        all.extend(before.into_iter().filter(|l| !allow.contains(l) && happened(l)));
        let mut state = self.state();
        self.set_meant(&mut state, all)
    }

    pub(crate) fn set_meant(&self, state: &mut State, meant: Vec<FlagLoss>) -> io::Result<()> {
        if state.meant != meant {
            expectations::save_meant(self.host.files.as_ref(), &meant)?;
            state.meant = meant;
        }
        Ok(())
    }

    /// Exempts a manifest that was restored on purpose from all rules.
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

    /// A kubeadm that podlift started runs from now on.
    pub fn kubeadm_started(&self) {
        self.state().kubeadm += 1;
    }

    /// The kubeadm has ended, with or without success. The heal may put back what it left missing.
    pub fn kubeadm_ended(&self) {
        let mut state = self.state();
        state.kubeadm = state.kubeadm.saturating_sub(1);
        state.ended = Component::ALL.iter().copied().collect();
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
}
