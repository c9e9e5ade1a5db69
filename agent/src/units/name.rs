//! Checks that the name of an op's unit is free: one op id starts one unit, ever. An existing unit or exit record belongs to a ledger that
//! this agent no longer has. The agent neither waits for it under this name nor overwrites it.

use super::presence::Presence;
use super::{Units, unit_name};
use podlift_model::{Failure, OpId};

/// Code of the failure.
const UNIT_EXISTS: &str = "unit-exists";

impl Units {
    pub(super) async fn name_is_free(&self, op: &OpId) -> Result<(), Failure> {
        if self.exited(op).is_some() {
            return Err(taken(op, "has ended on this node before, and left its exit record"));
        }
        match self.presence(op).await {
            Presence::There => Err(taken(op, "runs on this node already")),
            Presence::Over(_) => Err(taken(op, "has failed on this node before, and is still loaded")),
            Presence::Gone | Presence::NoAnswer => Ok(()),
        }
    }
}

pub(super) fn taken(op: &OpId, what: &str) -> Failure {
    let unit = unit_name(op);
    let message = format!(
        "{unit} {what}, and this agent does not remember it; see `systemctl status {unit}`, then `podlift retry`: the next attempt has a name of its own"
    );
    Failure::operator(UNIT_EXISTS, message)
}

/// Whether systemd-run refused the name.
pub(super) fn is_taken(stderr: &str) -> bool {
    stderr.contains("already loaded") || stderr.contains("already exists")
}
