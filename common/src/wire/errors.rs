//! Errors to gRPC status and back, in this one place: a stable reason, a message for people, the next command, never matched by text.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

const DOMAIN: &str = "podlift";

/// What every error that crosses the wire says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorInfo {
    pub code: Code,
    /// Stable, SCREAMING_SNAKE_CASE.
    pub reason: &'static str,
    pub message: String,
    /// The one next command, empty if there is none.
    pub next: String,
}

/// An error that knows what it looks like from outside. Implementations match exhaustively.
pub trait StatusError {
    fn info(&self) -> ErrorInfo;
}

pub fn to_status(error: &(impl StatusError + ?Sized)) -> Status {
    let info = error.info();
    let metadata =
        [("next".to_string(), info.next.clone())].into_iter().collect::<std::collections::HashMap<_, _>>();
    let details = ErrorDetails::with_error_info(info.reason, DOMAIN, metadata);
    Status::with_error_details(info.code, info.message, details)
}

/// (reason, next command) of a status that `to_status` made.
pub fn from_status(status: &Status) -> Option<(String, String)> {
    let info = status.get_details_error_info().filter(|i| i.domain == DOMAIN)?;
    let next = info.metadata.get("next").cloned().unwrap_or_default();
    Some((info.reason, next))
}

impl StatusError for super::WireError {
    fn info(&self) -> ErrorInfo {
        ErrorInfo {
            code: Code::InvalidArgument,
            reason: "INVALID_FIELD",
            message: self.to_string(),
            next: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_and_next_command_cross_the_wire() {
        struct Blocked;
        impl StatusError for Blocked {
            fn info(&self) -> ErrorInfo {
                let next = "podlift plan".to_string();
                ErrorInfo {
                    code: Code::FailedPrecondition,
                    reason: "BLOCKED",
                    message: "blocked".into(),
                    next,
                }
            }
        }
        let status = to_status(&Blocked);
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "blocked"));
        assert_eq!(from_status(&status), Some(("BLOCKED".into(), "podlift plan".into())));
        assert_eq!(from_status(&Status::internal("x")), None);
    }
}
