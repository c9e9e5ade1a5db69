//! An error as the command line prints it: what happened, why, and the one next command; and the exit codes.

use podlift_client::Kind;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Blocked = 3,
    Paused = 4,
    Unreachable = 5,
    /// The run succeeded without workers that failed, or a validation left checks open.
    Incomplete = 6,
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
    /// The cause; empty where `what` contains it.
    pub why: String,
    /// A command that can be typed unchanged; empty where there is none.
    pub next: String,
    pub exit: Exit,
}

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
    /// The reader of stdout has closed it, as `| head` does. This is no failure, and nothing is printed.
    pub fn reader_closed() -> Self {
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

impl From<podlift_client::Error> for CliError {
    fn from(error: podlift_client::Error) -> Self {
        let exit = match error.kind {
            Kind::Failed => Exit::Failed,
            Kind::Usage => Exit::Usage,
            Kind::Blocked => Exit::Blocked,
            Kind::Unreachable => Exit::Unreachable,
        };
        Self { what: error.what, why: error.why, next: error.next, exit }
    }
}
