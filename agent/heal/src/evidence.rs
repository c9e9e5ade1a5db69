//! Facts that only the agent can get and the heal needs: the pods of the container runtime, and which etcd cluster answers at which
//! endpoints. This module keeps the answers and sends no request itself.
//!
//! A restore waits for the container runtime if only this crate's parser says that the kubelet can't read a file. It does not wait if no
//! kubelet could read the content.

use crate::healer::Heal;
use crate::manifest::Manifest;
use crate::pairs::Pair;
use crate::read::Look;
use crate::ring::Choice;
use crate::rules::{Kubelet, Seen};
use crate::runtime::{Evidence, RunningPod, Runtime};
use crate::settings::Mode;
use crate::state::State;
use crate::why::accept;
use podlift_model::FlagSet;
use podlift_model::command::{CommandLine, is_expanded};
use podlift_model::op::Component;
use std::time::Duration;

/// Which etcd endpoints the agent asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoints {
    /// The endpoints of the manifest on the disk.
    Live,
    /// The learned or accepted endpoints, because the manifest on the disk names none.
    Expected,
}

/// The etcd settings with which an API server was Ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Value of `--etcd-servers`, word for word.
    pub servers: String,
    pub overrides: Option<String>,
    pub prefix: Option<String>,
    /// Id of the cluster that answered there; `None` if no tool could ask.
    pub cluster: Option<String>,
}

/// The kubelet ends the old pod before it makes the new one. "Nothing runs" proves an unreadable file only after this time.
const STARTS: Duration = Duration::from_secs(30);
/// Interval at which the agent asks the runtime again while the answer decides nothing.
const AGAIN: Duration = Duration::from_secs(10);

impl Heal {
    /// Components whose restore waits for an answer of the runtime. `runtime_wanted` fires when one is added.
    pub fn wants_runtime(&self) -> Vec<Component> {
        let state = self.state();
        Component::ALL.iter().copied().filter(|component| self.wants(&state, *component)).collect()
    }

    fn wants(&self, state: &State, component: Component) -> bool {
        let Some(look) = state.looks.get(&component) else { return false };
        let may_restore = self.config.mode != Mode::Off
            && state.kubeadm == 0
            && matches!(look.seen, Seen::Unreadable(_))
            && self.is_settled(look)
            && matches!(state.ring.choose(component), Choice::Copy(_));
        may_restore && matches!(kubelet(state, component, look), Kubelet::Unasked | Kubelet::Unknown(_))
    }

    /// Asks the agent to query the runtime if a restore waits for the answer.
    pub(crate) fn ask_runtime(&self, state: &mut State, component: Component) {
        let now = self.host.clock.since_boot();
        let lately = state.asked.get(&component).is_some_and(|at| now.saturating_sub(*at) < AGAIN);
        if !lately && self.wants(state, component) {
            state.asked.insert(component, now);
            self.runtime_wanted.notify_one();
        }
    }

    /// Takes an answer of the runtime, and looks at the manifest at once if a restore waited for it.
    pub fn runtime(&self, component: Component, said: Runtime) {
        let mut state = self.state();
        if !self.wants(&state, component) {
            return;
        }
        let Some(look) = state.looks.get(&component).cloned() else { return };
        let age = self.host.clock.since_boot().saturating_sub(look.since);
        if said == Runtime::NotRunning && age < STARTS {
            return;
        }
        let (stat, hash) = (look.stat.clone(), look.hash.clone());
        state.evidence.insert(component, Evidence { stat, hash, said });
        drop(state);
        self.look(component, self.host.clock.since_boot());
    }

    /// Whether this pod was made from exactly this manifest, or why that is not certain.
    pub fn runs_exactly(&self, component: Component, look: &Look, pod: &RunningPod) -> Result<(), String> {
        let manifest = look.manifest().ok_or_else(|| format!("{} can't be read", component.file()))?;
        same_container(manifest, pod)?;
        let stat = look.stat.as_ref().ok_or_else(|| format!("{} is missing", component.file()))?;
        let pair = pod.config_hash.clone().map(|config| Pair { content: manifest.content(), config });
        if pod.created.as_nanosecond() >= stat.ctime {
            pair.into_iter().for_each(|pair| self.keep_pair(component, pair));
            return Ok(());
        }
        match pair {
            Some(pair) if self.state().pairs.know(component, &pair) => Ok(()),
            Some(_) => Err(format!(
                "{} changed after its pod was made ({}), and whether the pod was made from what is in it now is not known; {} says so",
                component.file(),
                pod.created,
                accept(self.node.as_str(), component)
            )),
            None => Err(format!(
                "the runtime does not tell from which {} the pod was made (no annotation kubernetes.io/config.hash), and the file changed \
                 after that",
                component.file()
            )),
        }
    }

    fn keep_pair(&self, component: Component, pair: Pair) {
        let mut state = self.state();
        if state.pairs.know(component, &pair) {
            return;
        }
        state.pairs = state.pairs.with(component, pair);
        let kept = state.pairs.save(self.host.files.as_ref());
        drop(kept.inspect_err(
            |error| tracing::warn!(%error, "what the kubelet made of a manifest can't be kept"),
        ));
    }
}

/// Whether the kubelet can read the file, as far as the evidence shows.
pub(crate) fn kubelet(state: &State, component: Component, look: &Look) -> Kubelet {
    if look.certain {
        return Kubelet::CantRead;
    }
    let same = |e: &&Evidence| e.hash == look.hash && e.stat == look.stat;
    let changed = look.stat.as_ref().map_or(i128::MAX, |stat| stat.ctime);
    match state.evidence.get(&component).filter(same).map(|e| &e.said) {
        None => Kubelet::Unasked,
        Some(Runtime::Running(pod)) if pod.created.as_nanosecond() >= changed => Kubelet::Runs,
        Some(Runtime::Running(_)) => Kubelet::Unknown("the pod that runs is older than the file".into()),
        Some(Runtime::NotRunning) => Kubelet::CantRead,
        Some(Runtime::Unknown(why)) => Kubelet::Unknown(why.clone()),
    }
}

/// Compares image and flags. A value that the kubelet expands at the start matches any value.
fn same_container(manifest: &Manifest, pod: &RunningPod) -> Result<(), String> {
    let component = manifest.component;
    let line = manifest.line.as_ref().map_err(ToString::to_string)?;
    let words: Vec<&str> = pod.words.iter().map(String::as_str).collect();
    let running = CommandLine::read(component.name(), &words).map_err(|e| format!("its container is {e}"))?;
    if manifest.image != pod.image {
        return Err(format!("{component} runs {}, its manifest says {}", pod.image, manifest.image));
    }
    let (file, runs) = (FlagSet::from(line), FlagSet::from(&running));
    let names = file.0.keys().chain(runs.0.keys());
    let differs = |flag: &&String| {
        let written = file.values(flag);
        !written.iter().any(|value| is_expanded(value)) && written != runs.values(flag)
    };
    match names.into_iter().find(differs) {
        Some(flag) => Err(format!("{component} runs with another --{flag} than its manifest has")),
        None => Ok(()),
    }
}
