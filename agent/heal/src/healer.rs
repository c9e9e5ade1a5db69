//! The heal itself: its state, and how it starts after the agent ended in any way.

use crate::allowance::Allowance;
use crate::history::{History, How, Intent};
use crate::meters::HealMeters;
use crate::read::Look;
use crate::readonly::ReadOnly;
use crate::rules::Seen;
use crate::settings::{self, Mode};
use crate::state::State;
use podlift_host::Host;
use podlift_host::paths;
use podlift_model::heal::HealEvent;
use podlift_model::{BootId, Digest, NodeName};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub struct Heal {
    pub(crate) host: Host,
    pub(crate) config: settings::Heal,
    pub(crate) node: NodeName,
    pub(crate) boot: BootId,
    pub(crate) history: History,
    state: Mutex<State>,
    pub(crate) allowance: Allowance,
    /// Fires when there is a heal that the coordinator does not have.
    pub healed: Notify,
    /// Fires when a restore waits for the answer of the container runtime.
    pub runtime_wanted: Notify,
    /// Makes the watch look at everything now.
    pub(crate) wake: Notify,
    pub meters: HealMeters,
}

impl Heal {
    pub fn open(host: Host, config: settings::Heal, node: NodeName, boot: BootId) -> io::Result<Self> {
        let history = History::open(host.files.clone(), boot.clone())?;
        let heal = Self::with(host, config, node, boot, history);
        heal.finish_open_intents();
        heal.remove_litter();
        Ok(heal)
    }

    /// A heal for an agent whose folder can't be read or written. It reads from the disk what it can, only observes, and writes nothing.
    pub fn without_memory(host: Host, config: settings::Heal, node: NodeName, boot: BootId) -> Self {
        let mode = if config.mode == Mode::Off { Mode::Off } else { Mode::Observe };
        let host = Host { files: Arc::new(ReadOnly(host.files.clone())), ..host };
        let opened = History::open(host.files.clone(), boot.clone());
        let history = opened.unwrap_or_else(|_| History::empty(host.files.clone(), boot.clone()));
        Self::with(host, settings::Heal { mode, ..config }, node, boot, history)
    }

    fn with(host: Host, config: settings::Heal, node: NodeName, boot: BootId, history: History) -> Self {
        let (state, allowance) = (State::load(host.files.as_ref()), Allowance::new(&config));
        Self {
            host,
            config,
            node,
            boot,
            history,
            state: Mutex::new(state),
            allowance,
            healed: Notify::new(),
            runtime_wanted: Notify::new(),
            wake: Notify::new(),
            meters: HealMeters::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether time alone may change the verdict: an unreadable file may be completed or restored, a failed repair is tried again, a guard
    /// ends, a kubeadm runs or has just ended, or another process undoes repairs.
    pub(crate) fn is_pending(&self) -> bool {
        let state = self.state();
        let unsettled = |look: &Arc<Look>| matches!(look.seen, Seen::Unreadable(_) | Seen::Strange { .. });
        state.kubeadm > 0
            || state.ended.iter().any(|component| !state.ring.of(*component).is_empty())
            || state.notices.any_failed()
            || self.armed_guard(&state).is_some()
            || state.looks.values().any(unsettled)
            || self.allowance.is_suspicious()
    }

    /// Completes repairs of which only the intent was recorded. The disk shows whether they happened.
    fn finish_open_intents(&self) {
        for intent in self.history.open_intents() {
            if !self.happened(&intent) {
                continue;
            }
            let event = self.event(intent, 0, String::new());
            let told = self.history.event(event);
            drop(told.inspect_err(|error| tracing::error!(%error, "a heal could not be recorded")));
        }
    }

    /// Removes temporary files of an agent that ended in the middle of a repair. Files that were moved aside are kept.
    fn remove_litter(&self) {
        for dir in [paths::SCRATCH, paths::MANIFESTS] {
            let names = self.host.files.list(Path::new(dir)).unwrap_or_default();
            let ours = |n: &&String| n.starts_with(".podlift-") && !n.starts_with(".podlift-aside-");
            for name in names.iter().filter(ours) {
                let gone = self.host.files.remove(&Path::new(dir).join(name));
                drop(
                    gone.inspect_err(|error| tracing::warn!(%error, name, "a temporary file stays in {dir}")),
                );
            }
        }
    }

    fn happened(&self, intent: &Intent) -> bool {
        let files = self.host.files.as_ref();
        let path = Path::new(paths::MANIFESTS).join(&intent.file);
        match &intent.how {
            How::Content => files.read(&path).map(Digest::of).is_ok_and(|hash| hash == intent.after),
            How::Mode(mode) => files.stat(&path).is_ok_and(|stat| stat.mode == *mode),
            How::Moved(to) => files.stat(&path).is_err() && files.stat(Path::new(to)).is_ok(),
        }
    }

    pub(crate) fn event(&self, intent: Intent, latency_us: u64, diff: String) -> HealEvent {
        let Intent { id, file, rules, at, before, after, .. } = intent;
        HealEvent { id, node: self.node.clone(), file, rules, at, latency_us, before, after, diff }
    }
}
