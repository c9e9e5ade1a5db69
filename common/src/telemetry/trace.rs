//! The trace that a span belongs to. Coordinator and agent do not exchange it: both derive it from the run.
//!
//! Derivation: the trace id is the first 16 bytes of SHA-256("podlift run RUN"), and the span id of the run itself is the last 8 bytes of
//! the same hash. No process emits that span, because a run outlives its coordinator. It is the parent of every step's span on the
//! coordinator and of every op's span on an agent. The run of an op is in its id (`OpId::run`).

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use sha2::{Digest as _, Sha256};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span` a child of its run. Without an exporter it changes nothing.
pub fn join(span: &Span, run: &str) {
    let parent = opentelemetry::Context::new().with_remote_span_context(of_run(run));
    // This fails only without an exporter, and then there is nothing to join.
    drop(span.set_parent(parent));
}

fn of_run(run: &str) -> SpanContext {
    let hash: [u8; 32] = Sha256::digest(format!("podlift run {run}")).into();
    let (mut trace, mut span) = ([0; 16], [0; 8]);
    trace.copy_from_slice(&hash[..16]);
    span.copy_from_slice(&hash[24..]);
    let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_trace_for_ever() {
        let a = of_run("20261122-010203-ab12");
        // Computed once with sha256sum, because other programs may derive the ids too.
        assert_eq!(a.trace_id().to_string(), "63674c83d031b32a988be39a61fc94d8");
        assert_eq!(a.span_id().to_string(), "f8780193833fd733");
        assert!(a.is_valid() && a.is_remote() && a.is_sampled());
        assert_ne!(a.trace_id(), of_run("20261122-010203-ab13").trace_id());
    }
}
