//! One look at a manifest: the heal reads the file if it changed, judges it, and repairs it if the rules and the budget allow that. A look
//! is synchronous and short, so that it can run in the task that receives the notice.

use crate::budget::Spent;
use crate::healer::Heal;
use crate::read::{self, Look};
use crate::rules::{Finding, judge};
use crate::settings::Mode;
use crate::state::State;
use crate::why::explain;
use podlift_host::ReplaceError;
use podlift_host::paths;
use podlift_model::Digest;
use podlift_model::op::Component;
use std::io;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

/// Attempts of one look. A file that changes during each of them is left alone until the next notice.
const ATTEMPTS: usize = 10;

/// Result of one attempt.
pub(crate) enum Step {
    /// There is nothing more to do now.
    Rest,
    /// The file was repaired; another attempt checks whether anything is left.
    Repaired,
}

/// The notice that led to a repair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noticed {
    /// Time of the notice, on the boot clock.
    pub at: Duration,
    /// The same look repaired this file before. Rescue is a repair of its own and comes first; what follows is part of the same repair.
    pub follows: bool,
}

impl Heal {
    /// Looks at one manifest and repairs it if that is right. `noticed` is the time of the notice, on the boot clock.
    pub fn look(&self, component: Component, noticed: Duration) {
        self.look_for(component, noticed, false);
    }

    /// Like `look`; with `by_hand` a person allows hygiene to act now.
    pub(crate) fn look_for(&self, component: Component, noticed: Duration, by_hand: bool) {
        if self.config.mode == Mode::Off {
            return;
        }
        self.allowance.read_writers(noticed);
        let mut noticed = Noticed { at: noticed, follows: false };
        for _ in 0..ATTEMPTS {
            match self.attempt(component, noticed, by_hand) {
                Ok(Step::Rest) => break,
                Ok(Step::Repaired) => noticed.follows = true,
                Err(ReplaceError::Changed) => noticed.follows = false,
                Err(ReplaceError::Io(error)) => {
                    self.state().notices.fail(&component.file(), explain(&error));
                    break;
                }
            }
        }
        self.remember_version(component);
    }

    /// Looks at every manifest and at the other files of their folder.
    pub fn look_at_all(&self) {
        let noticed = self.host.clock.since_boot();
        for component in Component::ALL {
            self.look(*component, noticed);
        }
        self.look_at_strays(noticed, None);
        let state = self.state();
        for component in Component::ALL {
            let since = state.unlearned.get(component).map(|u| noticed.saturating_sub(u.since));
            self.meters.unlearned(*component, since);
        }
    }

    fn attempt(&self, component: Component, noticed: Noticed, by_hand: bool) -> Result<Step, ReplaceError> {
        let mut state = self.state();
        let look = self.seen_in(&mut state, component)?.ok_or(ReplaceError::Changed)?;
        if look.stat.is_some() {
            state.ended.remove(&component);
        }
        self.notice_other_etcd(&mut state, &look);
        let findings = self.judge(&state, component, &look, by_hand);
        self.ask_runtime(&mut state, component);
        if findings.iter().all(|f| f.fix.is_none()) || self.config.mode == Mode::Observe {
            state.notices.rests(&component.file());
            state.notices.log(&component.file(), findings.iter().map(describe).collect());
            return Ok(Step::Rest);
        }
        if !noticed.follows
            && let Err(spent) = self.allowance.spend(&self.host, &self.history, component)
        {
            drop(state);
            self.held_back(component, &component.file(), &spent);
            return Ok(Step::Rest);
        }
        self.repair(state, component, &look, &findings, noticed)
    }

    /// The file as it is, read only if it changed since the last read. `None` if it changed during the read.
    pub(crate) fn seen_in(&self, state: &mut State, component: Component) -> io::Result<Option<Arc<Look>>> {
        let (files, path) = (self.host.files.as_ref(), paths::manifest(component));
        let stat = read::stat(files, &path)?;
        if let Some(known) = state.looks.get(&component).filter(|known| known.stat == stat) {
            return Ok(Some(known.clone()));
        }
        let now = self.host.clock.since_boot();
        let Some(look) = read::read(files, component, &path, stat, now)? else { return Ok(None) };
        let look = Arc::new(look);
        state.looks.insert(component, look.clone());
        Ok(Some(look))
    }

    /// The manifest as it is now, for reports. Fails if the file changes during each of the attempts.
    pub fn seen(&self, component: Component) -> io::Result<Arc<Look>> {
        for _ in 0..ATTEMPTS {
            if let Some(look) = self.seen_in(&mut self.state(), component)? {
                return Ok(look);
            }
        }
        Err(io::Error::other(format!("{} changes faster than it can be read", component.file())))
    }

    pub(crate) fn judge(
        &self,
        state: &State,
        component: Component,
        look: &Look,
        by_hand: bool,
    ) -> Vec<Finding> {
        if state.exempt.contains(&look.hash) {
            return Vec::new();
        }
        let found = judge(component, &look.seen, &self.situation(state, component, look, by_hand));
        found.into_iter().map(|finding| self.with_needs(finding)).collect()
    }

    /// Removes the fix of a finding if the path of the node that the fix needs is missing.
    fn with_needs(&self, finding: Finding) -> Finding {
        let gone = |path: &&String| self.host.files.stat(Path::new(path)).is_err();
        match finding.needs.as_ref().filter(gone).cloned() {
            Some(path) => finding.only_report(format!("{path} is not there any more")),
            None => finding,
        }
    }

    pub(crate) fn held_back(&self, component: Component, file: &str, spent: &Spent) {
        self.meters.held_back(component, matches!(spent, Spent::Fight { .. }));
        self.state().notices.log(file, vec![spent.to_string()]);
    }

    /// Records the version that a copy must have if this file is lost. Runs after the repair, so that it does not delay it.
    fn remember_version(&self, component: Component) {
        let mut state = self.state();
        let look = state.looks.get(&component).cloned();
        let Some(version) = look.as_ref().and_then(|l| l.manifest()).and_then(|m| m.version) else { return };
        let kept = state.ring.saw(self.host.files.as_ref(), component, version);
        drop(state);
        if let Err(error) = kept {
            tracing::debug!(%error, "the version of {} can't be kept", component.file());
        }
    }

    pub(crate) fn good_copy(&self, component: Component, hash: &Digest) -> Option<Vec<u8>> {
        crate::ring::copy(self.host.files.as_ref(), component, hash)
    }
}

/// The lock of the state. A repair holds it from the look to the rename.
pub(crate) type Held<'a> = MutexGuard<'a, State>;

fn describe(finding: &Finding) -> String {
    match &finding.why_not {
        Some(why) => format!("{} (only reported: {why})", finding.what),
        None => format!("{} (only reported: heal.mode is observe)", finding.what),
    }
}
