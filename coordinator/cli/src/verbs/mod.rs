//! The verbs, a file each.

pub(super) mod abort;
pub(super) mod adopt;
pub(super) mod approve;
pub(super) mod attest;
pub(super) mod backup;
mod begin;
pub(super) mod cert;
pub(super) mod completion;
pub(super) mod defer;
pub(super) mod events;
pub(super) mod heal;
pub(super) mod include;
pub(super) mod man;
pub(super) mod node;
pub(super) mod pause;
pub(super) mod plan;
pub(super) mod repair;
pub(super) mod report;
pub(super) mod resume;
pub(super) mod retry;
pub(super) mod runs;
pub(super) mod set;
pub(super) mod status;
pub(super) mod takeover;
mod target;
pub(super) mod upgrade;
pub(super) mod watch;
