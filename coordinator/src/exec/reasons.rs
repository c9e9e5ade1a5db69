//! Failure texts for people: what happened, the alternatives, and the one next command, which can be typed unchanged.

use crate::dispatch::{HEAD_UNREACHABLE, UNREACHABLE};
use podlift_engine::StepSpec;
use podlift_engine::inventory::NodeRole;
use podlift_engine::machine::RunState;
use podlift_engine::program::{StopReason, Waiver};
use podlift_model::{Failure, NodeName, codes};

pub(super) const RETRY: &str = "podlift retry";
pub(super) const RESUME: &str = "podlift resume";

pub(super) fn stop(code: &str, message: String, next: &str) -> StopReason {
    let (detail, undone) = (String::new(), String::new());
    StopReason { code: code.into(), message, detail, undone, next: next.into() }
}

pub(super) fn aborted(why: &str) -> StopReason {
    let text = format!("the run was aborted before this step reached its goal: {why}");
    stop(codes::ABORTED, text, "podlift report")
}

/// An op is open, and its agent does not answer.
pub(super) fn open_op(state: &RunState, step: &StepSpec, failure: &Failure) -> StopReason {
    if failure.code == HEAD_UNREACHABLE {
        let text = format!(
            "{}: an op is open and its end is not known: {}; bring that agent back, or if BCM has failed over, set [bcm] head to the active head node in the coordinator's configuration and restart the coordinator",
            step.id, failure.message
        );
        return stop(&failure.code, text, RESUME);
    }
    let lost = way_without(state, step).map_or(String::new(), |command| {
        format!("; if the node is gone for good: {command}, then podlift resume")
    });
    let text = format!(
        "{}: an op is open and its end is not known: {}; bring the agent back first (systemctl status podlift-agent){lost}",
        step.id, failure.message
    );
    stop(&failure.code, text, RESUME)
}

/// The command by which the run goes on without the node of this step, if the node won't come back.
fn way_without(state: &RunState, step: &StepSpec) -> Option<String> {
    match (deferrable(state, step), &step.node) {
        (Some(worker), _) => Some(format!("podlift defer {worker}")),
        (None, Some(node)) => Some(format!("podlift node lost {node}")),
        (None, None) => None,
    }
}

/// The node that may be deferred if this step makes no progress.
fn deferrable<'a>(state: &RunState, step: &'a StepSpec) -> Option<&'a NodeName> {
    let node = step.node.as_ref().filter(|_| step.kind.step().may_be_deferred())?;
    let entry = state.plan.inventory.get(node)?;
    (entry.role == NodeRole::Worker).then_some(node)
}

/// The waiver in force that lets the node of this step lose a setting.
fn waived_loss<'a>(state: &'a RunState, step: &StepSpec) -> Option<&'a Waiver> {
    let node = step.node.as_ref()?;
    state.waivers.iter().find(|waiver| waiver.is_of_losses_on(node))
}

/// The text of a failure for a person, with the one next command.
pub(super) fn of_failure(state: &RunState, step: &StepSpec, failure: &Failure) -> StopReason {
    let why = &failure.message;
    let message = match (failure.code.as_str(), &step.node) {
        (codes::DRAIN_BLOCKED | codes::DRAIN_REFUSED | codes::EVICTION_FAILED, Some(node)) => {
            format!("{why}; let the pods move first, or leave the node out: podlift defer {node}")
        }
        (codes::BCM_PASSIVE_HEAD, _) => format!(
            "{why}; name the active head node in [bcm] head of the coordinator's configuration, and restart the coordinator"
        ),
        _ if step.kind.step().may_pass(failure) => format!(
            "{why}; kubeadm has changed nothing: the Job of its own health check did not end in time, twice. See what keeps a pod in kube-system from running: a quota, a webhook, an image, no room"
        ),
        _ => match (deferrable(state, step), &step.node) {
            (Some(node), _) => {
                format!("{why}; mend the cause first, or leave the node out: podlift defer {node}")
            }
            (None, Some(node)) if failure.code == UNREACHABLE => {
                format!(
                    "{why}; bring its agent back first, or if the node is gone for good: podlift node lost {node}"
                )
            }
            _ => why.clone(),
        },
    };
    let next = match failure.code.as_str() {
        codes::APT_INTERRUPTED => "podlift retry --repair-dpkg".into(),
        codes::KUBEADM_FAILED if !step.kind.step().may_pass(failure) => match waived_loss(state, step) {
            // What kubeadm took away is why the component does not start, and another attempt takes it away again.
            Some(waiver) => format!("podlift retry --unwaive {}", waiver.check),
            None => RETRY.into(),
        },
        _ => RETRY.into(),
    };
    StopReason { detail: failure.detail.clone(), ..stop(&failure.code, message, &next) }
}
