//! The span of a mutation on its node, for traces and for the fields of log lines. It belongs to the trace of the run that the op id names.
//! This module runs nothing.

use crate::ledger::Accepted;
use crate::node::Node;
use podlift_common::telemetry::trace;
use podlift_model::OpId;
use tracing::Span;

pub(super) fn op(node: &Node, op_id: &OpId, accepted: &Accepted) -> Span {
    // An op without a run is a trace of its own.
    let run = op_id.run().unwrap_or(op_id.as_str());
    let (op, epoch, node) = (accepted.op.verb(), &accepted.epoch, &node.config.node);
    // The session is not the parent, because an op outlives the session that brought it.
    let span = tracing::info_span!(parent: None, "op", run, %node, %op_id, op, %epoch);
    trace::join(&span, run);
    span
}
