//! Long mutations as transient systemd units named by op id. A unit outlives the agent, prints to a file, and leaves its exit beside the
//! ledger. A unit never has a pipe to the agent (kubeadm dies of a broken stdout), and never `--collect` or `--wait`.
//!
//! One op id starts one unit, ever. After its own death an agent repeats a harmless op only if its unit provably never started. If a
//! restart of the machine hid the end, the op is Indeterminate, and a further attempt has another id. Before any other op starts, the agent
//! waits for a unit that a lost ledger has forgotten.
//!
//! `systemd-run` can exit with 1 although the program has started and ended already. Its exit code therefore does not decide whether a unit
//! ran; the agent looks for the unit instead. A unit name in use is refused before its log is opened.

mod alone;
mod exit;
mod name;
mod presence;
mod start;
#[cfg(test)]
mod tests;
mod wait;

pub use exit::{Exit, read_exit, record_exit};
pub use podlift_tools::UnitSpec;
pub use wait::Ended;

use podlift_common::clock::Clock;
use podlift_host::{Commands, Files};
use podlift_model::{BootId, OpId};
use std::sync::Arc;
use std::time::Duration;

/// The units of one node.
#[derive(Clone)]
pub struct Units {
    pub(crate) commands: Arc<dyn Commands>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) boot: BootId,
    /// The argv prefix before `record-exit OP`.
    pub(crate) recorder: Vec<String>,
    /// PATH inside the units.
    pub(crate) path: String,
    pub(crate) poll: Duration,
}

/// `podlift-OP.service`.
pub fn unit_name(op: &OpId) -> String {
    format!("podlift-{op}.service")
}
