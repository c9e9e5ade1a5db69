//! The vocabulary of podlift: ids, versions, nodes, looks, host ops and their outcomes. This crate does no IO, reads no clock and has no
//! async code, so that each type can be read, compared, written as JSON and tested by a table.

pub mod bcm;
pub mod checkpoint;
pub mod codes;
pub mod command;
pub mod components;
mod count;
pub mod deletion;
pub mod digest;
pub mod documents;
pub mod epoch;
pub mod facts;
pub mod flags;
pub mod gates;
pub mod heal;
pub mod ids;
pub mod images;
pub mod look;
pub mod op;
pub mod outcome;
mod samples;
mod seen;
pub mod site_check;
pub mod survey;
pub mod version;

pub use checkpoint::{Checkpoint, PodRef};
pub use command::CommandLine;
pub use count::{agree, count};
pub use digest::Digest;
pub use epoch::Epoch;
pub use facts::NodeFacts;
pub use flags::FlagSet;
pub use ids::{
    BootId, ClusterName, FlagName, InstanceId, LedgerId, MachineId, Namespace, NodeName, ObjectName, OpId,
    PodName, PodUid, RunId, StepId,
};
pub use look::Look;
pub use op::HostOp;
pub use outcome::{Failure, FailureClass, OpOutcome, OpOutput};
pub use site_check::CheckName;
pub use version::{KubeVersion, Minor, PackageVersion};
