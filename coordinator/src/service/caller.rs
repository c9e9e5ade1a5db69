//! Identifies the caller by certificate alone, and checks the caller's role.

use podlift_common::tls::{Identity, Role, Subject};
use podlift_common::wire::{ErrorInfo, StatusError, to_status};
use tonic::{Code, Request, Status};

#[derive(Debug, thiserror::Error)]
enum Denied {
    #[error("{uri} may not ask this")]
    NoPerson { uri: String },
    #[error("{name} may not do this")]
    Role { name: String, has: Role, needs: Role },
}

impl StatusError for Denied {
    fn info(&self) -> ErrorInfo {
        let (why, next) = match self {
            Denied::NoPerson { .. } => (
                "that is not a person's certificate".to_string(),
                "podlift cert issue operator NAME".to_string(),
            ),
            Denied::Role { name, has, needs } => (
                format!("{name} is {has}, and this needs {needs}"),
                format!("podlift cert issue operator {name} --role {needs}"),
            ),
        };
        ErrorInfo { code: Code::PermissionDenied, reason: "DENIED", message: self.to_string(), why, next }
    }
}

/// Name of the caller, as the journal records it.
pub(super) fn allow<T>(request: &Request<T>, least: Role) -> Result<String, Status> {
    let peer = request.extensions().get::<Identity>();
    let peer = peer.ok_or_else(|| Status::unauthenticated("no client certificate"))?;
    let Subject::Operator(name) = &peer.subject else {
        return Err(to_status(&Denied::NoPerson { uri: peer.uri() }));
    };
    if peer.role < least {
        return Err(to_status(&Denied::Role { name: name.to_string(), has: peer.role, needs: least }));
    }
    Ok(name.to_string())
}
