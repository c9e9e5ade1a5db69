//! Who calls, by certificate alone, and whether that is enough.

use podlift_common::tls::{Identity, Role, Subject};
use tonic::{Request, Status};

/// Name of the caller, as the journal will have it.
pub(super) fn allow<T>(request: &Request<T>, least: Role) -> Result<String, Status> {
    let peer = request.extensions().get::<Identity>();
    let peer = peer.ok_or_else(|| Status::unauthenticated("no client certificate"))?;
    let Subject::Operator(name) = &peer.subject else {
        let text = format!(
            "{} is not a person's certificate: `podlift cert issue operator NAME` makes one",
            peer.uri()
        );
        return Err(Status::permission_denied(text));
    };
    if peer.role < least {
        let text = format!(
            "{name} is {}, and this needs {least}: `podlift cert issue operator {name} --role {least}`",
            peer.role
        );
        return Err(Status::permission_denied(text));
    }
    Ok(name.to_string())
}
