//! A step that cannot continue now: why, since when, and what happens when it takes too long.

use super::drive::{Drive, Moment, Turn};
use super::reasons::{aborted, plain};
use podlift_engine::machine::{Event, RunState, RunStatus, StepStatus};
use podlift_engine::program::StopReason;
use podlift_model::Failure;
use std::time::Duration;
use tokio::time::Instant;

impl Drive {
    /// Waits. The reason is recorded when it changes. A wait that takes too long is a failure, or a pause if an op is open.
    pub fn wait(&mut self, m: &Moment, reason: String) -> Turn {
        self.steady = None;
        if m.aborting() {
            return self.fail(aborted(&reason));
        }
        let since = *self.waiting.get_or_insert_with(Instant::now);
        if since.elapsed() > m.policy.wait {
            let text = format!("{reason} (waited {} s)", since.elapsed().as_secs());
            let stop = StopReason { code: "timeout".into(), ..plain(text, "podlift retry") };
            return self.fail(stop);
        }
        self.say(reason);
        Turn::After(m.policy.poll)
    }

    /// Waits while the end of an open op is not known. The end must become known, so after `wait_seconds` the run pauses with the reason.
    pub fn wait_for_agent(&mut self, state: &RunState, failure: &Failure) -> Turn {
        self.steady = None;
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let limit = Duration::from_secs(state.plan.options.wait_seconds.into());
        if since.elapsed() > limit {
            self.waiting = None;
            if matches!(state.status, RunStatus::Aborting { .. }) {
                let (id, reason) = (self.step.id.clone(), aborted(&failure.message));
                self.write(|_| Some(Event::StepFailed { step: id, reason }));
                return Turn::Over;
            }
            let lost = self.deferrable(state).map_or(String::new(), |node| {
                format!("; if the node is gone for good: podlift defer {node}, then podlift resume")
            });
            let text = format!(
                "{}: an op is open and its end is not known: {}; bring the agent back first (systemctl status podlift-agent){lost}",
                self.step.id, failure.message
            );
            let reason = StopReason { code: failure.code.clone(), ..plain(text, "podlift resume") };
            self.write(|s| (s.status == RunStatus::Running).then_some(Event::RunPaused { reason, by: None }));
        }
        self.say(failure.message.clone());
        Turn::After(self.runner.settings.poll)
    }

    fn say(&mut self, reason: String) {
        if self.reason.as_ref() == Some(&reason) {
            return;
        }
        self.reason = Some(reason.clone());
        let id = self.step.id.clone();
        self.write(|s| match &s.steps[&id].status {
            StepStatus::Waiting { reason: before } if *before == reason => None,
            StepStatus::Done { .. } | StepStatus::Skipped { .. } | StepStatus::Failed { .. } => None,
            _ => Some(Event::StepWaiting { step: id.clone(), reason }),
        });
    }

    pub fn fail(&self, reason: StopReason) -> Turn {
        let id = self.step.id.clone();
        tracing::warn!(run = %self.run, step = %id, code = reason.code, reason.message, "step failed");
        self.write(|s| match &s.steps[&id].status {
            StepStatus::Done { .. } | StepStatus::Skipped { .. } | StepStatus::Failed { .. } => None,
            _ => Some(Event::StepFailed { step: id.clone(), reason }),
        });
        Turn::Over
    }
}
