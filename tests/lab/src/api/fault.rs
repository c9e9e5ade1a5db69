//! Ordered failures of requests, and those of an API server that has only just opened its port.

use super::rbac::Asked;
use super::route::{Call, Target};
use super::{Caller, Reply, status};
use crate::world::{ApiFault, FaultAction, Warmth, World};
use serde_json::json;
use std::io;
use std::sync::Arc;

/// What a request does: `verb METHOD path`.
pub fn words(call: &Call) -> String {
    format!("{} {} {}", verb(call), call.method, call.path)
}

/// As in RBAC, and `evict`; `get` for what names no resource.
pub fn verb(call: &Call) -> String {
    match Target::of(&call.path) {
        Some(target) if target.subresource.as_deref() == Some("eviction") => "evict".into(),
        Some(target) => Asked::of(&target, call).verb,
        None => "get".into(),
    }
}

/// How a request fails by order. `FailAfter` is for the caller: what it asks for happens first.
pub enum Ordered {
    Nothing,
    Answer(Reply),
    After(Reply),
}

/// Waits where the order is to wait. `Err`: the connection ends.
pub async fn ordered(world: &Arc<World>, front: &str, call: &Call) -> io::Result<Ordered> {
    let wrong = |code: i32, text: &str| {
        let code = u16::try_from(code).unwrap_or(500);
        status::failure(code, reason(code), text, json!({}))
    };
    Ok(match world.take_fault(front, "api", &words(call)) {
        None => Ordered::Nothing,
        Some(FaultAction::Fail { code, stderr }) => Ordered::Answer(wrong(code, &stderr)),
        Some(FaultAction::FailAfter { code, stderr }) => Ordered::After(wrong(code, &stderr)),
        Some(FaultAction::Delay(time)) => {
            world.sleep(time).await;
            Ordered::Nothing
        }
        Some(FaultAction::Hang) => std::future::pending().await,
        Some(FaultAction::Api(ApiFault::Busy { retry_after })) => Ordered::Answer(status::busy(retry_after)),
        Some(FaultAction::Api(ApiFault::Reset)) => {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer"));
        }
    })
}

/// As `metav1.StatusReason` names it.
fn reason(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    }
}

/// What an API server answers before its handlers and its roles are there. None: it serves.
pub fn cold(world: &World, front: &str, caller: &Caller, call: &Call) -> Option<Reply> {
    let health = matches!(call.path.as_str(), "/readyz" | "/livez" | "/healthz");
    match (world.warmth(front), health) {
        (Warmth::Serves, _) | (Warmth::WithoutRoles, true) => None,
        (Warmth::Installing, true) => Some(status::text(500, NOT_READY)),
        (Warmth::Installing, false) => Some(installing()),
        (Warmth::WithoutRoles, false) => without_roles(caller, call),
    }
}

const NOT_READY: &str = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[-]informer-sync failed: reason withheld\n\
    [-]poststarthook/rbac/bootstrap-roles failed: reason withheld\nreadyz check failed\n";

/// `WithMuxAndDiscoveryComplete` of k8s.io/apiserver.
fn installing() -> Reply {
    let message =
        "the request has been made before all known HTTP paths have been installed, please try again";
    let reply = status::failure(503, "ServiceUnavailable", message, json!({"retryAfterSeconds": 5}));
    status::retry_after(reply, 5)
}

fn without_roles(caller: &Caller, call: &Call) -> Option<Reply> {
    let user = caller.0.as_deref().unwrap_or("system:anonymous");
    let target = Target::of(&call.path)?;
    let why = format!(": RBAC: clusterrole.rbac.authorization.k8s.io \"{user}\" not found");
    Some(status::forbidden_because(&target, call, user, &why))
}
