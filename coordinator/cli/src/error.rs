//! What went wrong, for the person who typed: what, why, and the one next command. Classified by code and reason, never by text.

use podlift_common::wire::from_status;
use std::fmt::Write as _;
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
#[error("{what}")]
pub(super) struct CliError {
    pub what: String,
    /// Empty where `what` says it all.
    pub why: String,
    /// A command that can be typed as it is; empty where there is none.
    pub next: String,
    pub exit: Exit,
}

/// Where the coordinator's own state is seen.
const LOOK: &str = "systemctl status podlift-coordinator";

impl CliError {
    pub fn new(exit: Exit, what: impl Into<String>, why: impl Into<String>, next: &str) -> Self {
        Self { what: what.into(), why: why.into(), next: next.into(), exit }
    }
    pub fn failed(what: impl Into<String>, why: impl ToString) -> Self {
        Self::new(Exit::Failed, what, why.to_string(), "")
    }
    pub fn usage(what: impl Into<String>, why: impl Into<String>, next: &str) -> Self {
        Self::new(Exit::Usage, what, why, next)
    }
    pub fn unreachable(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, what, why, LOOK)
    }
    /// Whoever read our stdout has gone (`| head`): that is no failure, and nobody wants to hear of it.
    pub fn reader_left() -> Self {
        Self::new(Exit::Done, "", "", "")
    }

    pub fn is_quiet(&self) -> bool {
        self.exit == Exit::Done
    }

    pub fn render(&self) -> String {
        let error = anstyle::AnsiColor::Red.on_default().bold();
        let mut text = format!("{error}error:{error:#} {}", self.what);
        for (name, value) in [("  why: ", &self.why), ("  next: ", &self.next)] {
            if !value.is_empty() {
                let hanging = format!("\n{:width$}", "", width = name.len());
                let _ = write!(text, "\n{name}{}", value.trim_end().replace('\n', &hanging));
            }
        }
        text
    }
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        let Some(told) = from_status(&status) else { return foreign(&status) };
        let exit = match (told.reason.as_str(), status.code()) {
            ("PREFLIGHT_BLOCKED" | "PLAN_CHANGED", _) => Exit::Blocked,
            (_, Code::InvalidArgument) => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, told.what, told.why, &told.next)
    }
}

/// A status that no part of podlift made.
fn foreign(status: &Status) -> CliError {
    match status.code() {
        Code::Unavailable => CliError::unreachable("the coordinator went away", status.message()),
        Code::Unimplemented => CliError::new(
            Exit::Failed,
            "the coordinator does not know this question",
            "it is an older podlift than this one",
            "apt-get install --only-upgrade podlift-coordinator",
        ),
        code => {
            CliError::new(Exit::Failed, format!("the coordinator refused: {code}"), status.message(), LOOK)
        }
    }
}
