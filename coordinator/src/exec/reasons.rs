//! Failures as people read them: what happened and what else may be done, and the one next command, which can be typed as it is.

use podlift_engine::StepSpec;
use podlift_engine::machine::StopReason;
use podlift_model::Failure;

pub(super) fn plain(message: String, next: &str) -> StopReason {
    let (detail, undone) = (String::new(), String::new());
    StopReason { code: String::new(), message, detail, undone, next: next.into() }
}

pub(super) fn aborted(why: &str) -> StopReason {
    let text = format!("the run was aborted before this step reached its goal: {why}");
    StopReason { code: "aborted".into(), ..plain(text, "podlift report") }
}

/// What a person reads of a failure, with the one next command.
pub(super) fn stop_reason(failure: &Failure, step: &StepSpec) -> StopReason {
    let message = match (failure.code.as_str(), &step.node) {
        ("drain-blocked" | "drain-refused" | "eviction-failed", Some(node)) => {
            format!(
                "{}; let the pods move first, or leave the node out: podlift defer {node}",
                failure.message
            )
        }
        (_, Some(node)) if step.phase == "workers" || step.phase == "canary" => {
            format!("{}; mend the cause first, or leave the node out: podlift defer {node}", failure.message)
        }
        _ => failure.message.clone(),
    };
    let next = match failure.code.as_str() {
        "apt-interrupted" => "podlift retry --repair-dpkg",
        _ => "podlift retry",
    };
    StopReason { code: failure.code.clone(), detail: failure.detail.clone(), ..plain(message, next) }
}
