//! Errors of a client: what happened, why, and the one next command. They are classified by gRPC code and reason, never by text.

use podlift_common::wire::from_status;
use tonic::{Code, Status};

/// What kind of failure an error is. A command line makes its exit code from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The coordinator refused the request or failed at it.
    Failed,
    /// The request or the configuration is wrong.
    Usage,
    /// A check blocks the run, or the plan is no longer the current one.
    Blocked,
    /// The coordinator does not answer.
    Unreachable,
}

/// A failed request, in a form that people can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    pub kind: Kind,
    /// What did not happen, in one line.
    pub what: String,
    /// The cause; empty where `what` contains it.
    pub why: String,
    /// A command that can be typed unchanged; empty where there is none.
    pub next: String,
}

/// Shows the state of the coordinator's service.
pub(crate) const SERVICE_STATUS: &str = "systemctl status podlift-coordinator";

impl Error {
    pub fn new(kind: Kind, what: impl Into<String>, why: impl Into<String>, next: &str) -> Self {
        Self { kind, what: what.into(), why: why.into(), next: next.into() }
    }
    pub fn failed(what: impl Into<String>, why: impl ToString) -> Self {
        Self::new(Kind::Failed, what, why.to_string(), "")
    }
    pub fn usage(what: impl Into<String>, why: impl Into<String>, next: &str) -> Self {
        Self::new(Kind::Usage, what, why, next)
    }
    pub fn unreachable(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, what, why, SERVICE_STATUS)
    }

    /// `what: why` in one line.
    pub fn summary(&self) -> String {
        if self.why.is_empty() { self.what.clone() } else { format!("{}: {}", self.what, self.why) }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let Some(info) = from_status(&status) else { return without_info(&status) };
        let kind = match (info.reason.as_str(), status.code()) {
            ("PREFLIGHT_BLOCKED" | "PLAN_CHANGED", _) => Kind::Blocked,
            (_, Code::InvalidArgument) => Kind::Usage,
            _ => Kind::Failed,
        };
        Self::new(kind, info.what, info.why, &info.next)
    }
}

/// A status that no part of podlift has made, for example one of the transport.
fn without_info(status: &Status) -> Error {
    match status.code() {
        Code::Unavailable => Error::unreachable("the coordinator went away", status.message()),
        Code::Unimplemented => Error::new(
            Kind::Failed,
            "the coordinator does not know this request",
            "the coordinator is an older podlift than this client",
            "apt-get install --only-upgrade podlift",
        ),
        code => Error::new(
            Kind::Failed,
            format!("the coordinator refused: {code}"),
            status.message(),
            SERVICE_STATUS,
        ),
    }
}

/// As `From<Status>`, for a stream that broke: any failure of the transport means that the coordinator has gone.
pub(crate) fn of_stream(status: Status) -> Error {
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => {
            Error::unreachable("the coordinator went away", status.message())
        }
        _ => status.into(),
    }
}
