//! What went wrong, for the person who typed: what, why, and the one next command. Classified by code and reason, never by text.

use podlift_common::wire::from_status;
use std::process::ExitCode;
use tonic::{Code, Status};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Blocked = 3,
    Paused = 4,
    Unreachable = 5,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct CliError {
    pub message: String,
    pub next: String,
    pub exit: Exit,
}

impl CliError {
    pub fn new(exit: Exit, message: impl Into<String>, next: &str) -> Self {
        Self { message: message.into(), next: next.into(), exit }
    }
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message, "")
    }
    pub fn usage(message: impl Into<String>, next: &str) -> Self {
        Self::new(Exit::Usage, message, next)
    }
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, message, "systemctl status podlift-coordinator (on the head node)")
    }

    pub fn render(&self) -> String {
        let error = anstyle::AnsiColor::Red.on_default().bold();
        let head = format!("{error}error:{error:#} {}", self.message);
        if self.next.is_empty() { head } else { format!("{head}\n next: {}", self.next) }
    }
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        let known = from_status(&status);
        let reason = known.as_ref().map(|(reason, _)| reason.as_str());
        let exit = match (reason, status.code()) {
            (Some("PREFLIGHT_BLOCKED"), _) => Exit::Blocked,
            (Some(_), Code::InvalidArgument) => Exit::Usage,
            (None, Code::Unavailable) => {
                return Self::unreachable(format!("the coordinator went away: {}", status.message()));
            }
            _ => Exit::Failed,
        };
        let next = known.map(|(_, next)| next).unwrap_or_default();
        Self::new(exit, status.message(), &next)
    }
}
