//! Answers of the container runtime about a component, and the file for which an answer holds.

use jiff::Timestamp;
use podlift_host::Stat;
use podlift_model::Digest;

/// A component's pod as the container runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningPod {
    /// Annotation `kubernetes.io/config.hash` of the sandbox: the kubelet's hash of the manifest from which it made the pod.
    pub config_hash: Option<String>,
    /// When the sandbox was created.
    pub created: Timestamp,
    pub image: String,
    /// Command line of the component's container.
    pub words: Vec<String>,
}

/// Answer of the container runtime about one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    Running(RunningPod),
    NotRunning,
    /// The agent could not ask the runtime, for this reason.
    Unknown(String),
}

/// An answer of the runtime, and the file for which it holds.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub stat: Option<Stat>,
    pub hash: Digest,
    pub said: Runtime,
}
