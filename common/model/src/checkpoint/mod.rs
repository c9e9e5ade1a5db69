//! Checkpoint hooks: what the owner of a pod wants to be done before the pod is evicted, and how that ended. Agent and coordinator read the
//! same annotations with this module, which does no IO.

mod hook;
mod pod;
mod result;

pub use hook::{Checkpoint, CheckpointSignal, GRACE, HOOK, Hook, InvalidHook, LONGEST_SECONDS};
pub use pod::PodRef;
pub use result::{CheckpointEnd, CheckpointResult};

/// The annotation that names the container of the hook if several run. kubectl and the service meshes use the same.
pub const CONTAINER: &str = "kubectl.kubernetes.io/default-container";
