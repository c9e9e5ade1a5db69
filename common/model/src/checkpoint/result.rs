//! How the checkpoint of one pod ended.

use super::{CheckpointSignal, HOOK, PodRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of one pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointResult {
    pub pod: PodRef,
    pub end: CheckpointEnd,
    /// How long the hook ran, or was waited for.
    #[serde(default)]
    pub seconds: u64,
    /// The hook ran a second time, because the agent was stopped while it ran and its end was unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum CheckpointEnd {
    /// The command ended by itself.
    Ran {
        exit_code: i32,
        /// The last lines that it printed. Of a command that failed, the runtime passes on the error output only.
        output: String,
    },
    /// The signal was sent. `ended`: the container's first process ended within the grace; otherwise the whole grace was waited.
    Signalled { signal: CheckpointSignal, ended: bool },
    /// The command did not end within its grace, and the container runtime ended it.
    TimedOut { grace_seconds: u32 },
    /// The pod asks for a checkpoint, and it could not be begun.
    NotRun { why: String },
    /// No pod of this name and uid runs on the node.
    NotFound,
    /// The pod had no annotation when it started. The container runtime does not see annotations that were added later.
    NoHook,
}

impl CheckpointResult {
    /// Whether the pod did what its owner asked for: the command exited 0, or the signal was sent.
    pub fn is_saved(&self) -> bool {
        matches!(self.end, CheckpointEnd::Ran { exit_code: 0, .. } | CheckpointEnd::Signalled { .. })
    }

    /// Whether the pod asks for a checkpoint and did not get it. A pod that is gone or asks for none has not failed.
    pub fn is_failed(&self) -> bool {
        !self.is_saved() && !matches!(self.end, CheckpointEnd::NotFound | CheckpointEnd::NoHook)
    }
}

impl fmt::Display for CheckpointResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, end, seconds, again } = self;
        match end {
            CheckpointEnd::Ran { exit_code, output } => {
                write!(f, "pod {pod}: its checkpoint command exited {exit_code} after {seconds} s")?;
                let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
                last.map_or(Ok(()), |line| write!(f, " ({line})"))?;
            }
            CheckpointEnd::Signalled { signal, ended: true } => {
                write!(f, "pod {pod}: {signal} was sent, and its process ended after {seconds} s")?;
            }
            CheckpointEnd::Signalled { signal, ended: false } => {
                write!(f, "pod {pod}: {signal} was sent {seconds} s ago")?;
            }
            CheckpointEnd::TimedOut { grace_seconds } => {
                write!(
                    f,
                    "pod {pod}: its checkpoint command did not end within {grace_seconds} s and was ended"
                )?;
            }
            CheckpointEnd::NotRun { why } => write!(f, "pod {pod}: its checkpoint was not made: {why}")?,
            CheckpointEnd::NotFound => write!(f, "pod {pod} ({}) does not run on the node", pod.uid)?,
            CheckpointEnd::NoHook => write!(f, "pod {pod} had no annotation {HOOK} when it started")?,
        }
        match again {
            true => f.write_str("; it ran a second time, because the agent was stopped during the first"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_people_and_what_counts_as_saved() {
        let signalled = |ended| CheckpointEnd::Signalled { signal: CheckpointSignal::Usr1, ended };
        let ran = |exit_code, output: &str| CheckpointEnd::Ran { exit_code, output: output.into() };
        let cases = [
            (
                ran(0, "step 1\nsaved\n"),
                "pod ml/train-0: its checkpoint command exited 0 after 7 s (saved)",
                (true, false),
            ),
            (ran(3, ""), "pod ml/train-0: its checkpoint command exited 3 after 7 s", (false, true)),
            (
                signalled(true),
                "pod ml/train-0: USR1 was sent, and its process ended after 7 s",
                (true, false),
            ),
            (signalled(false), "pod ml/train-0: USR1 was sent 7 s ago", (true, false)),
            (
                CheckpointEnd::TimedOut { grace_seconds: 5 },
                "pod ml/train-0: its checkpoint command did not end within 5 s and was ended",
                (false, true),
            ),
            (
                CheckpointEnd::NotRun { why: "no container of it runs".into() },
                "pod ml/train-0: its checkpoint was not made: no container of it runs",
                (false, true),
            ),
            (CheckpointEnd::NotFound, "pod ml/train-0 (u-1) does not run on the node", (false, false)),
            (
                CheckpointEnd::NoHook,
                "pod ml/train-0 had no annotation podlift.io/checkpoint when it started",
                (false, false),
            ),
        ];
        let pod = PodRef {
            namespace: "ml".parse().unwrap(),
            name: "train-0".parse().unwrap(),
            uid: "u-1".parse().unwrap(),
        };
        for (end, want, (saved, failed)) in cases {
            let result = CheckpointResult { pod: pod.clone(), end, seconds: 7, again: false };
            assert_eq!(result.to_string(), want);
            assert_eq!((result.is_saved(), result.is_failed()), (saved, failed), "{want}");
            let text = serde_json::to_string(&result).unwrap();
            assert_eq!(serde_json::from_str::<CheckpointResult>(&text).unwrap(), result, "{text}");
            let again = CheckpointResult { again: true, ..result };
            assert!(again.to_string().ends_with("the agent was stopped during the first"), "{again}");
        }
    }
}
