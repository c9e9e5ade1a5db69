//! The heal itself: read, judge, mend, replace. Synchronous and short, so that it runs where the notice arrives. Never writes what it
//! has not parsed, and never over what it has not read.

use super::diff;
use super::expectations::{self, Expectations};
use super::guard::{self, Budget, Guard, Spent};
use super::history::{History, Intent};
use super::mend::{mend, see};
use super::rules::{Finding, Seen, Situation, judge};
use crate::meters::HealMeters;
use crate::settings::{self, Mode};
use podlift_common::telemetry::trace;
use podlift_host::paths;
use podlift_host::{Host, ReplaceError, Stat};
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;
use podlift_model::{BootId, Digest, NodeName};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Somebody who changes the file this often while it is read is left alone until the next notice.
const ATTEMPTS: usize = 10;

pub struct Heal {
    pub(crate) host: Host,
    pub(crate) config: settings::Heal,
    node: NodeName,
    pub(crate) boot: BootId,
    pub(crate) history: History,
    state: Mutex<State>,
    /// There is a heal to tell the coordinator of.
    pub healed: Notify,
    /// Look at everything now.
    pub(crate) wake: Notify,
    pub meters: HealMeters,
}

#[derive(Default)]
pub(crate) struct State {
    pub guard: Option<Guard>,
    pub expectations: Option<Expectations>,
    /// The expected etcd endpoints answer as this other cluster.
    pub other_etcd: Option<String>,
    pub exempt: BTreeSet<Digest>,
    pub budget: Budget,
    /// kubeadm units that run now.
    pub kubeadm: usize,
    /// Not seen since a kubeadm ended.
    pub ended: BTreeSet<Component>,
    /// Files that were all right, as they were then: not read again until something changes.
    pub clean: BTreeMap<Component, (u64, i128, u64)>,
    /// Unreadable bytes, and when they were seen first.
    broken: BTreeMap<Component, (Digest, Duration)>,
    /// What was said of a file already.
    said: BTreeMap<Component, Vec<String>>,
}

/// A file as it was read.
pub(crate) struct Look {
    pub stat: Option<Stat>,
    pub bytes: Vec<u8>,
    pub seen: Seen,
    pub hash: Digest,
}

impl Heal {
    pub fn open(host: Host, config: settings::Heal, node: NodeName, boot: BootId) -> io::Result<Self> {
        let files = host.files.as_ref();
        let state = State {
            guard: guard::load(files),
            expectations: expectations::load_expectations(files),
            exempt: expectations::load_exempt(files),
            ..State::default()
        };
        let history = History::open(host.files.clone())?;
        let heal = Self {
            host,
            config,
            node,
            boot,
            history,
            state: Mutex::new(state),
            healed: Notify::new(),
            wake: Notify::new(),
            meters: HealMeters::default(),
        };
        heal.finish_open_intents();
        Ok(heal)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Repairs of which only the intent was recorded: the file tells whether they happened.
    fn finish_open_intents(&self) {
        for intent in self.history.open_intents() {
            let now = self.host.files.read(&Path::new(paths::MANIFESTS).join(&intent.file)).map(Digest::of);
            if now.is_ok_and(|hash| hash == intent.after) {
                let event = self.event(intent, 0, String::new());
                drop(
                    self.history
                        .event(event)
                        .inspect_err(|error| tracing::error!(%error, "a heal could not be recorded")),
                );
            }
        }
    }

    fn event(&self, intent: Intent, latency_us: u64, diff: String) -> HealEvent {
        let Intent { id, file, rules, at, before, after } = intent;
        HealEvent { id, node: self.node.clone(), file, rules, at, latency_us, before, after, diff }
    }

    /// Looks at one manifest and repairs it if that is right. `noticed` is when, on the boot clock, somebody said that it changed.
    pub fn look(&self, component: Component, noticed: Duration) {
        if self.config.mode == Mode::Off {
            return;
        }
        for _ in 0..ATTEMPTS {
            match self.attempt(component, noticed) {
                Ok(()) => return,
                Err(ReplaceError::Changed) => {}
                Err(ReplaceError::Io(error)) => {
                    return self
                        .say(component, vec![format!("{} can't be repaired: {error}", component.file())]);
                }
            }
        }
    }

    pub fn look_at_all(&self) {
        let noticed = self.host.clock.since_boot();
        for component in Component::ALL {
            self.look(*component, noticed);
        }
    }

    fn attempt(&self, component: Component, noticed: Duration) -> Result<(), ReplaceError> {
        let path = paths::manifest(component);
        let stat = self.host.files.stat(&path);
        let mut state = self.state();
        if let Ok(s) = &stat
            && state.clean.get(&component) == Some(&(s.inode, s.ctime, s.size))
        {
            return Ok(());
        }
        let Some(look) = self.read(component, &path, stat)? else { return Err(ReplaceError::Changed) };
        let findings = self.judge(&mut state, component, &look);
        let fixable = findings.iter().any(|f| f.fix.is_some());
        if !fixable || self.config.mode == Mode::Observe {
            if let (Some(s), Seen::Manifest(_)) = (&look.stat, &look.seen) {
                state.clean.insert(component, (s.inode, s.ctime, s.size));
            }
            drop(state);
            self.say(component, findings.iter().map(describe).collect());
            return Ok(());
        }
        let now = self.host.clock.since_boot();
        let (per_hour, fight_limit) = (self.config.budget_per_hour, self.config.fight_limit);
        if let Err(spent) = state.budget.check(component, now, per_hour, fight_limit) {
            drop(state);
            self.meters.held_back(component, matches!(spent, Spent::Fight(..)));
            self.say(component, vec![spent.to_string()]);
            return Ok(());
        }
        let good = state.expectations.as_ref().and_then(|e| e.good.get(&component)).cloned();
        let good = good.and_then(|hash| expectations::good_copy(self.host.files.as_ref(), component, &hash));
        match mend(&look.bytes, &look.seen, &findings, good) {
            Ok(after) if after != look.bytes => {
                self.repair(state, component, &path, look, &findings, after, noticed)
            }
            Ok(_) => Ok(()),
            Err(why) => {
                drop(state);
                self.say(component, vec![format!("{} can't be repaired: {why}", component.file())]);
                Ok(())
            }
        }
    }

    /// None: it changed between the two looks.
    pub(crate) fn read(
        &self,
        component: Component,
        path: &Path,
        stat: io::Result<Stat>,
    ) -> io::Result<Option<Look>> {
        let stat = match stat {
            Ok(stat) => Some(stat),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let bytes = match stat.as_ref().map(|_| self.host.files.read(path)).transpose() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let seen = see(component, bytes.as_deref());
        let bytes = bytes.unwrap_or_default();
        Ok(Some(Look { stat, hash: Digest::of(&bytes), bytes, seen }))
    }

    fn judge(&self, state: &mut State, component: Component, look: &Look) -> Vec<Finding> {
        if state.exempt.contains(&look.hash) {
            return Vec::new();
        }
        let settled = self.settled(state, component, look);
        let now = self.host.clock.since_boot();
        match look.seen {
            Seen::Unreadable(_)
                if state.broken.get(&component).is_some_and(|(hash, _)| *hash == look.hash) => {}
            Seen::Unreadable(_) => drop(state.broken.insert(component, (look.hash.clone(), now))),
            Seen::Manifest(_) | Seen::Missing => drop(state.broken.remove(&component)),
        }
        if look.stat.is_some() {
            state.ended.remove(&component);
        }
        judge(component, &look.seen, &self.situation(state, component, &look.hash, settled))
    }

    /// The same unreadable bytes were there a tick ago.
    pub(crate) fn settled(&self, state: &State, component: Component, look: &Look) -> bool {
        let now = self.host.clock.since_boot();
        let old = |at: Duration| now.saturating_sub(at) >= self.config.tick;
        state.broken.get(&component).is_some_and(|(hash, at)| *hash == look.hash && old(*at))
    }

    pub(crate) fn situation<'a>(
        &'a self,
        state: &'a State,
        component: Component,
        hash: &Digest,
        settled: bool,
    ) -> Situation<'a> {
        let expectations = state.expectations.as_ref();
        let guard = self.armed_guard(state);
        Situation {
            etcd_servers: expectations.map(|e| e.etcd_servers.as_str()),
            other_etcd: state.other_etcd.as_deref(),
            good_copy: expectations.is_some_and(|e| e.good.contains_key(&component)),
            kubeadm_running: state.kubeadm > 0,
            kubeadm_ended: state.ended.contains(&component),
            settled,
            armed: guard.is_some(),
            as_armed: guard.is_some_and(|g| g.as_armed.get(&component) == Some(hash)),
            site_gates: &self.config.site_gates,
        }
    }

    #[allow(clippy::too_many_arguments)] // one call, all of it needed at the same moment
    fn repair(
        &self,
        mut state: MutexGuard<'_, State>,
        component: Component,
        path: &Path,
        look: Look,
        findings: &[Finding],
        after: Vec<u8>,
        noticed: Duration,
    ) -> Result<(), ReplaceError> {
        let rules = findings.iter().filter(|f| f.fix.is_some()).map(|f| f.rule.to_string()).collect();
        let intent = Intent {
            id: uuid::Uuid::new_v4().to_string(),
            file: component.file(),
            rules,
            at: self.host.clock.now(),
            before: look.hash.clone(),
            after: Digest::of(&after),
        };
        let span = tracing::info_span!("heal", node = %self.node, file = intent.file, rules = ?intent.rules, run = tracing::field::Empty);
        if let Some(guard) = self.armed_guard(&state) {
            span.record("run", guard.run.as_str());
            trace::join(&span, guard.run.as_str());
        }
        let _within = span.entered();
        self.history.intent(intent.clone())?;
        match &look.stat {
            Some(seen) => {
                self.host.files.replace(path, &after, seen, &look.hash, Path::new(paths::SCRATCH))?
            }
            None => self.host.files.write(path, &after, 0o600)?,
        }
        let done = self.host.clock.since_boot();
        state.budget.spend(component, done);
        state.said.remove(&component);
        drop(state);
        let took = done.saturating_sub(noticed);
        let latency = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let event = self.event(intent, latency, diff::unified(&look.bytes, &after));
        tracing::warn!(file = event.file, rules = ?event.rules, latency_us = latency, "healed");
        self.meters.healed(&event.rules, took);
        self.history.event(event)?;
        self.healed.notify_one();
        Ok(())
    }

    /// Says what is wrong once, not every tick.
    fn say(&self, component: Component, what: Vec<String>) {
        let mut state = self.state();
        if state.said.get(&component).is_some_and(|said| *said == what) {
            return;
        }
        for line in &what {
            tracing::warn!(file = component.file(), "{line}");
        }
        state.said.insert(component, what);
    }
}

fn describe(finding: &Finding) -> String {
    match &finding.why_not {
        Some(why) => format!("{} (only reported: {why})", finding.what),
        None => format!("{} (only reported: heal.mode is observe)", finding.what),
    }
}
