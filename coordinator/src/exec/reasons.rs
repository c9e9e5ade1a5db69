//! Failures as people read them: what happened, and the one next command.

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
    let next = match (failure.code.as_str(), &step.node) {
        ("drain-blocked" | "drain-refused" | "eviction-failed", Some(node)) => {
            format!("podlift retry once the pods may move; or podlift defer {node}")
        }
        (_, Some(node)) if step.phase == "workers" || step.phase == "canary" => {
            format!("podlift retry, after the cause is mended; or podlift defer {node}")
        }
        _ => "podlift retry, after the cause is mended".into(),
    };
    StopReason {
        code: failure.code.clone(),
        detail: failure.detail.clone(),
        ..plain(failure.message.clone(), &next)
    }
}
