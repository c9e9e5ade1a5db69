//! The spans of a run, for traces and for the fields of log lines: a step from its first look to its end, and the op within it. They belong
//! to the run's trace. This module drives nothing.

use podlift_common::telemetry::trace;
use podlift_engine::StepSpec;
use podlift_model::{Epoch, OpId, RunId};
use tracing::Span;

pub(super) fn step(run: &RunId, step: &StepSpec) -> Span {
    let span = tracing::info_span!("step", %run, step = %step.id, node = tracing::field::Empty);
    named(&span, step);
    trace::join(&span, run.as_str());
    span
}

/// The span of an op, within the step's span.
pub(super) fn op(run: &RunId, step: &StepSpec, op_id: &OpId, epoch: &Epoch) -> Span {
    let span = tracing::info_span!("op", %run, step = %step.id, node = tracing::field::Empty, %op_id, %epoch);
    named(&span, step);
    span
}

/// Adds the node to a span. Steps of the whole cluster have none.
fn named(span: &Span, step: &StepSpec) {
    if let Some(node) = &step.node {
        span.record("node", node.as_str());
    }
}
