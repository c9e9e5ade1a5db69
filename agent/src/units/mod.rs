//! Long mutations as transient systemd units named by op id: they outlive the agent, print to a file, and leave their exit beside the
//! ledger. Never a pipe to the agent (kubeadm dies of a broken stdout), never `--collect` or `--wait`.

mod alone;
mod exit;
mod name;
mod presence;
mod start;
#[cfg(test)]
mod tests;
mod wait;

pub(crate) use alone::UNIT_RUNNING;
pub use exit::{Exit, read_exit, record_exit};
pub use wait::Ended;

use crate::host::{Commands, Files};
use podlift_common::clock::Clock;
use podlift_model::{BootId, OpId};
use std::sync::Arc;
use std::time::Duration;

/// What a unit runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSpec {
    pub program: &'static str,
    pub args: Vec<String>,
    /// The whole environment but PATH.
    pub env: Vec<(&'static str, String)>,
    /// systemd ends it after this; None: never ended from outside.
    pub limit: Option<Duration>,
    /// A command that must succeed before it, in the same unit. Empty: none.
    pub first: Vec<String>,
}

impl UnitSpec {
    pub fn new<S: Into<String>>(program: &'static str, args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program, args, env: vec![("LC_ALL", "C.UTF-8".into())], limit: None, first: Vec::new() }
    }
    /// Only after this command has ended well.
    pub fn after(mut self, command: &[&str]) -> Self {
        self.first = command.iter().map(ToString::to_string).collect();
        self
    }
    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// The units of one node.
#[derive(Clone)]
pub struct Units {
    pub(crate) commands: Arc<dyn Commands>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) boot: BootId,
    /// argv in front of `record-exit OP`.
    pub(crate) recorder: Vec<String>,
    /// PATH within units.
    pub(crate) path: String,
    pub(crate) poll: Duration,
}

/// `podlift-OP.service`.
pub fn unit_name(op: &OpId) -> String {
    format!("podlift-{op}.service")
}
