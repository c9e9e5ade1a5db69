//! Before a worker is drained: pods whose owners want it save their work. The agent runs what each pod's own annotations ask for. A
//! checkpoint that fails stops the lane, unless the policy of the site says that it goes on without.

use super::reply::{all, blocked, cluster, done, node, odd, partly};
use super::step_aside::failed;
use super::{Assess, Cx, Policy, Step, Touches, cordon_taken, drain};
use crate::doors::{Act, ClusterLook, ClusterReply, Probe, Reply};
use crate::machine::StepStatus;
use podlift_batches::FailedCheckpoint;
use podlift_model::checkpoint::{CheckpointEnd, CheckpointResult};
use podlift_model::{HostOp, OpOutcome, OpOutput, PodRef, codes, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {}

/// The step that keeps new pods from the node.
const RESTS_ON: &[&str] = &["cordon"];
/// Time of the whole op: the longest grace that a pod may ask for.
const SECONDS: u32 = 3600;
/// Pods of one op.
const MOST: usize = 512;

impl Step for Checkpoint {
    fn verb(&self) -> String {
        "checkpoint".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn is_optional(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let looks = [
            ClusterLook::Node { node: cx.node() },
            ClusterLook::Checkpoints { node: cx.node() },
            ClusterLook::PodsToEvict { node: cx.node(), options: drain::options(cx) },
        ];
        Probe::All(looks.map(Probe::Cluster).into())
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, second, third] = all(reply) else { return odd(reply) };
        let (Some(node), Some(ClusterReply::Checkpoints(pods)), Some(ClusterReply::Pods(going))) =
            (node(first), cluster(second), cluster(third))
        else {
            return odd(reply);
        };
        if let Some(results) = results(cx) {
            return judged(cx, results, pods);
        }
        if pods.is_empty() {
            return done("no pod asks for a checkpoint");
        }
        if let Some(why) = failed(cx) {
            return without(
                cx,
                &[format!("{} asked for one, and none was made: {why}", count(pods.len(), "pod"))],
            );
        }
        // A signal may end a job, so nothing is asked to save its work on a node that the drain would leave.
        cordon_taken::lost(cx, node, RESTS_ON).or_else(|| drain::refused(cx, going)).unwrap_or(Assess::Ready)
    }

    fn act(&self, cx: &Cx, reply: &Reply) -> Option<Act> {
        let Some(ClusterReply::Checkpoints(pods)) = all(reply).get(1).and_then(cluster) else { return None };
        let pods: Vec<PodRef> = pods.iter().take(MOST).cloned().collect();
        cx.host(HostOp::Checkpoint { pods, seconds: SECONDS })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { retries: 0, ..cx.policy() }
    }
}

/// What the op of this attempt has reported.
fn results<'a>(cx: &Cx<'a>) -> Option<&'a [CheckpointResult]> {
    match &cx.state.step(&cx.step.id)?.status {
        StepStatus::Ended { outcome: OpOutcome::Done { output: OpOutput::Checkpoints(results) }, .. } => {
            Some(results)
        }
        _ => None,
    }
}

fn judged(cx: &Cx, results: &[CheckpointResult], pods: &[PodRef]) -> Assess {
    let text = |of: fn(&CheckpointResult) -> bool| -> Vec<String> {
        results.iter().filter(|result| of(result)).map(ToString::to_string).collect()
    };
    let mut failed = text(CheckpointResult::is_failed);
    // The API shows its annotation, and the runtime does not: the pod does not get what its owner wants.
    let unseen = |result: &CheckpointResult| result.end == CheckpointEnd::NoHook;
    failed.extend(text(unseen).into_iter().map(|line| {
        format!("{line}: put the annotation into the template of the pod, or save its work by hand")
    }));
    let missed = |pod: &&PodRef| !results.iter().any(|result| result.pod == **pod);
    failed.extend(pods.iter().filter(missed).map(|pod| format!("pod {pod} was not asked yet")));
    match failed.is_empty() {
        true => done(text(|_| true).join("; ")),
        false => without(cx, &failed),
    }
}

/// The verdict for checkpoints that were not made.
fn without(cx: &Cx, failed: &[String]) -> Assess {
    let policy = cx.program().options.batches.as_ref().map(|p| p.failed_checkpoint).unwrap_or_default();
    let (why, node) = (failed.join("; "), cx.node());
    match policy {
        FailedCheckpoint::GoOn => partly(why),
        FailedCheckpoint::Stop => {
            let message = format!(
                "{why}. Its owner mends it, or ends the job; or leave the node out: podlift defer {node}, and podlift resume if the run is paused then"
            );
            blocked(codes::CHECKPOINT_FAILED, message, "podlift retry")
        }
    }
}
