//! What only the agent can ask, and the heal needs: the container runtime, and which etcd answers where. Keeps; asks nobody.

use crate::healer::Heal;
use crate::read::Look;
use jiff::Timestamp;
use podlift_model::Digest;
use podlift_model::op::Component;
use std::io;

/// A component's pod as the container runtime has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningPod {
    /// Annotation `kubernetes.io/config.hash` of its sandbox: the kubelet's hash of the manifest that it was made from.
    pub config_hash: Option<String>,
    /// When its sandbox was made.
    pub created: Timestamp,
    pub image: String,
    /// Command line of the component's container.
    pub words: Vec<String>,
}

/// What the runtime said of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    Running(RunningPod),
    NotRunning,
    /// It could not be asked, and why.
    Unknown(String),
}

/// Whose endpoints of etcd were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoints {
    /// Those of the manifest on the disk.
    Live,
    /// Those that were learned or accepted, where the manifest on the disk names none.
    Expected,
}

/// What an API server was Ready with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Value of `--etcd-servers`, word for word.
    pub servers: String,
    pub overrides: Option<String>,
    pub prefix: Option<String>,
    /// Id of the cluster that answered there; `None`: no tool could ask.
    pub cluster: Option<String>,
}

impl Heal {
    /// Components of which a restore waits for what the runtime says. `runtime_wanted` fires when one is added.
    pub fn wants_runtime(&self) -> Vec<Component> {
        Vec::new()
    }

    /// What the runtime says of a component; looked at at once where something waited for it.
    pub fn runtime(&self, _component: Component, _said: Runtime) {}

    /// Whether this pod was made from exactly this manifest, or why that is not certain.
    pub fn runs_exactly(&self, _component: Component, _look: &Look, _pod: &RunningPod) -> Result<(), String> {
        Ok(())
    }

    /// The component was healthy with this manifest, which must be the one on the disk.
    pub fn learned_component(&self, _component: Component, _from: &Digest) -> io::Result<()> {
        Ok(())
    }

    /// Nothing could be learned of a component, and why; kept until something is.
    pub fn not_learned(&self, _component: Component, _why: &str) {}

    /// Endpoints answered as this cluster. Lifts a prohibition only where the live manifest's own answered as the expected cluster; sets
    /// one where they answered as another; completes an id that was not known.
    pub fn etcd_answered(&self, _endpoints: Endpoints, _cluster: &str) {}
}
