//! The engine decides and does no IO: from inventory and facts it makes a program, from events a state, and from a probe's reply a verdict.
//! It uses no tokio, tonic, kube, clock, file or process; `now` is an argument.

pub mod analysis;
pub mod doors;
pub mod goals;
pub mod inventory;
pub mod issues;
pub mod jobs;
pub mod kubeadm_config;
mod listed;
pub mod machine;
pub mod placement;
pub mod program;
pub mod selector;
pub mod steps;
pub mod survey;
#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used)] // a test may panic
pub mod testing;
pub mod validate;
pub mod view;

pub use doors::{Act, ClusterAct, ClusterLook, ClusterReply, Probe, Reply, VaultAct, VaultLook};
pub use inventory::{Inventory, NodeEntry, NodeRole};
pub use machine::{Event, Record, RunState, RunStatus, StepStatus};
pub use program::{Evidence, Program, Severity, StepSpec, StopReason};
pub use steps::{Assess, Cx, Policy, Step, StepKind};
