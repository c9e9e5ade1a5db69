//! No kubelet may be newer than an API server (Kubernetes version skew policy): through the address in front of them it may reach any.

use super::reply::blocked;
use super::{Assess, Cx};
use podlift_model::KubeVersion;

/// The verdict for a step that would bring a kubelet to `to`; `None` if all API servers are there.
pub fn forbids(cx: &Cx, to: KubeVersion) -> Option<Assess> {
    // The run raises API servers to its own target only, so another version is not its question.
    let behind: Vec<&str> =
        cx.state.behind().filter(|_| to == cx.program().to()).map(|n| n.as_str()).collect();
    (!behind.is_empty()).then(|| {
        let message = format!(
            "a kubelet of {} would be newer than the API server of {}: API servers come first",
            to.minor(),
            behind.join(", ")
        );
        blocked("api-server-behind", message, "podlift retry")
    })
}
