//! A request of a coordinator to an agent: a look or an op. The two share one oneof on the wire and have different types from here on, so
//! that code cannot confuse them.

use super::WireError;
use super::op::from_kind;
use podlift_model::{HostOp, Look};
use podlift_proto::v1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRequest {
    Look(Look),
    Op(HostOp),
}

pub fn request_from_wire(op: &v1::Op) -> Result<HostRequest, WireError> {
    let unknown = || WireError::new("op.kind", "missing or not known to this podlift: upgrade the agent");
    from_kind(op.kind.as_ref().ok_or_else(unknown)?)
}
