//! Converts errors to gRPC status and back, only in this module: a stable reason, the event and its cause for people, and the next command.
//! No code matches on the text.

use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "podlift";

/// The content of every error that crosses the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorInfo {
    pub code: Code,
    /// Stable, SCREAMING_SNAKE_CASE.
    pub reason: &'static str,
    /// What did not happen, in one line.
    pub message: String,
    /// Why, if the message does not contain it.
    pub why: String,
    /// The one next command, which can be typed unchanged; empty if there is none.
    pub next: String,
}

/// An `ErrorInfo` that was received over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub reason: String,
    pub what: String,
    pub why: String,
    pub next: String,
}

/// An error that knows its form on the wire. Implementations match exhaustively.
pub trait StatusError {
    fn info(&self) -> ErrorInfo;
}

/// The status' own message contains everything, for clients that read nothing else.
pub fn to_status(error: &(impl StatusError + ?Sized)) -> Status {
    let info = error.info();
    let whole = match info.why.is_empty() {
        true => info.message.clone(),
        false => format!("{}: {}", info.message, info.why),
    };
    let told = [("what", info.message), ("why", info.why), ("next", info.next)];
    let metadata: HashMap<String, String> = told.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
    let details = ErrorDetails::with_error_info(info.reason, DOMAIN, metadata);
    Status::with_error_details(info.code, whole, details)
}

/// The content of a status that `to_status` made.
pub fn from_status(status: &Status) -> Option<Told> {
    let mut info = status.get_details_error_info().filter(|i| i.domain == DOMAIN)?;
    let mut take = |key: &str| info.metadata.remove(key);
    let (what, why, next) = (take("what"), take("why"), take("next"));
    Some(Told {
        what: what.unwrap_or_else(|| status.message().into()),
        why: why.unwrap_or_default(),
        next: next.unwrap_or_default(),
        reason: info.reason,
    })
}

impl StatusError for super::WireError {
    fn info(&self) -> ErrorInfo {
        ErrorInfo {
            code: Code::InvalidArgument,
            reason: "INVALID_FIELD",
            message: format!("field {} is not valid", self.field),
            why: self.why.clone(),
            next: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Blocked(&'static str);
    impl StatusError for Blocked {
        fn info(&self) -> ErrorInfo {
            ErrorInfo {
                code: Code::FailedPrecondition,
                reason: "BLOCKED",
                message: "blocked".into(),
                why: self.0.into(),
                next: "podlift plan".into(),
            }
        }
    }

    #[test]
    fn what_why_and_next_command_cross_the_wire() {
        let status = to_status(&Blocked("dgx030 is not Ready"));
        assert_eq!(
            (status.code(), status.message()),
            (Code::FailedPrecondition, "blocked: dgx030 is not Ready")
        );
        let told = |why: &str| Told {
            reason: "BLOCKED".into(),
            what: "blocked".into(),
            why: why.into(),
            next: "podlift plan".into(),
        };
        assert_eq!(from_status(&status), Some(told("dgx030 is not Ready")));
        assert_eq!(to_status(&Blocked("")).message(), "blocked");
        assert_eq!(from_status(&to_status(&Blocked(""))), Some(told("")));
        assert_eq!(from_status(&Status::internal("x")), None);
    }
}
