//! Errors of the API, by CMDaemon's own codes.

use super::answer::NoResult;
use podlift_host::HttpError;
use podlift_model::{Failure, codes};

const SERVICE_RESTRICTED: i64 = 635;
const CALL_RESTRICTED: i64 = 640;
const LOGIN: i64 = -97;
const JSON: i64 = -98;
const URL: i64 = -99;
/// Everything that has no code of its own.
pub(super) const OTHER: i64 = -100;

/// Why a call has no result. `call` is `SERVICE.CALL`, `text` CMDaemon's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    #[error(
        "CMDaemon's API did not answer: {0}; look at systemctl status cmd, and at url, certificate, key and ca below [bcm.api] in agent.toml, then podlift retry"
    )]
    Unreachable(#[from] HttpError),
    #[error(
        "CMDaemon's API at {url} refused {call}: code 635, the certificate's profile may not use the service ({text}); add the call to the profile, or give [bcm.api] in agent.toml another certificate, then podlift retry"
    )]
    ServiceRestricted { call: String, url: String, text: String },
    #[error(
        "CMDaemon's API at {url} refused {call}: code 640, the certificate's profile may not use the call ({text}); add it to the profile, or give [bcm.api] in agent.toml another certificate, then podlift retry"
    )]
    CallRestricted { call: String, url: String, text: String },
    #[error(
        "CMDaemon's API at {url} refused {call}: code -97, it does not accept the certificate ({text}); issue a new one for [bcm.api] in agent.toml, then podlift retry"
    )]
    Login { call: String, url: String, text: String },
    #[error(
        "CMDaemon's API at {url} did not understand {call}: code -98, {text}; this BCM has another form of the call: remove [bcm.api] from agent.toml, so that cmsh is used, restart podlift-agent, then podlift retry"
    )]
    Json { call: String, url: String, text: String },
    #[error(
        "CMDaemon's API is not at {url}: code -99, {text}; set url below [bcm.api] in agent.toml to that of the head node, then podlift retry"
    )]
    Url { url: String, text: String },
    #[error(
        "CMDaemon's API at {url} did not do {call}: code {code}, {text}; look at /var/log/cmdaemon, then podlift retry"
    )]
    Other { call: String, url: String, code: i64, text: String },
    #[error(
        "CMDaemon's API at {url} does not know {call}: its answer was empty; remove [bcm.api] from agent.toml, so that cmsh is used, restart podlift-agent, then podlift retry"
    )]
    UnknownMethod { call: String, url: String },
    #[error("CMDaemon's API at {url} has no object for {call}: its answer was null")]
    NotFound { call: String, url: String },
    #[error(
        "CMDaemon's API at {url} answered {call} with something else than its documentation says: {text}"
    )]
    Odd { call: String, url: String, text: String },
}

impl ApiError {
    /// Whether the profile of the certificate, or this BCM, does not have the call: what only adds to an answer can do without it.
    pub fn lacks_call(&self) -> bool {
        matches!(
            self,
            Self::ServiceRestricted { .. } | Self::CallRestricted { .. } | Self::UnknownMethod { .. }
        )
    }
}

/// The error for an answer without a result.
pub(super) fn of_answer(why: NoResult, call: &str, url: &str) -> ApiError {
    let (call, url) = (call.to_string(), url.to_string());
    match why {
        NoResult::Empty => ApiError::UnknownMethod { call, url },
        NoResult::Null => ApiError::NotFound { call, url },
        NoResult::Odd(text) => ApiError::Odd { call, url, text },
        NoResult::Code(SERVICE_RESTRICTED, text) => ApiError::ServiceRestricted { call, url, text },
        NoResult::Code(CALL_RESTRICTED, text) => ApiError::CallRestricted { call, url, text },
        NoResult::Code(LOGIN, text) => ApiError::Login { call, url, text },
        NoResult::Code(JSON, text) => ApiError::Json { call, url, text },
        NoResult::Code(URL, text) => ApiError::Url { url, text },
        NoResult::Code(code, text) => ApiError::Other { call, url, code, text },
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let message = error.to_string();
        match error {
            ApiError::Unreachable(_) => Failure::transient(codes::BCM_API_UNREACHABLE, message),
            ApiError::Odd { .. } | ApiError::NotFound { .. } => {
                Failure::permanent(codes::BCM_ANSWER, message)
            }
            _ => Failure::operator(codes::BCM_API_REFUSED, message),
        }
    }
}
