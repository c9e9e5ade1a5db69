//! A request of a coordinator to an agent: a look or an op. The two share one oneof on the wire, so that agents of all
//! versions read the same field numbers, and have different types from here on, so that code cannot confuse them.

use super::WireError;
use super::look::look_from_wire;
use super::op::op_from_wire;
use podlift_model::{HostOp, Look};
use podlift_proto::v1::{self, op::Kind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRequest {
    Look(Look),
    Op(HostOp),
}

pub fn request_from_wire(op: &v1::Op) -> Result<HostRequest, WireError> {
    let unknown = || WireError::new("op.kind", "missing or not known to this podlift: upgrade the agent");
    Ok(match op.kind.as_ref().ok_or_else(unknown)? {
        Kind::Observe(look) => HostRequest::Look(look_from_wire(look)?),
        op => HostRequest::Op(op_from_wire(op)?),
    })
}
