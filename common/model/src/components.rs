//! The three static pods of kubeadm as this node sees them.

use crate::facts::ApiServerState;
use crate::op::Component;
use crate::version::KubeVersion;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One component, requested from the node itself and never through a proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentState {
    pub component: Component,
    /// host:port of its health endpoint, from its manifest: the API server's advertise address, `127.0.0.1:10257`, `127.0.0.1:10259`. Empty
    /// if it serves none (`--secure-port=0`); its container alone shows its state then.
    pub endpoint: String,
    /// The endpoint answered 200.
    pub ready: bool,
    /// Body or error of the endpoint (`/readyz` of the API server, `/healthz` of the others).
    pub answer: String,
    /// The endpoint answered 401 or 403: it is alive, and requires credentials that the agent does not have. `ready` does not follow from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_credentials: bool,
    /// Version of the running container's image; `None` if no container runs.
    pub running: Option<KubeVersion>,
    /// Whether the API server answered an authorised read of an object (the node's own Node object) at this endpoint, with the node's own
    /// credentials. Its port is open before authorisation is ready, and /readyz does not show that. `None` if it was not asked: another
    /// component, no credentials on the node, or an agent that is too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_read: Option<bool>,
    /// The answer to that read, in a line; empty if `object_read` is `None`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object_answer: String,
    /// Flags of the running container equal those of the manifest on disk.
    pub flags_match: bool,
    /// Whether the config hash shows that the running pod was made from exactly the manifest on disk; `None` if the runtime does not report
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_matches: Option<bool>,
    /// Id of the newest container; `None` if the runtime has none. A new id means that the component was started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Restarts of the newest container within its pod.
    pub restarts: u32,
    /// Exit code of the last container that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<i32>,
    /// When that container ended, by the node's clock; `None` also if the agent is too old to report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit_at: Option<Timestamp>,
    /// Last lines of that container's own log.
    #[serde(default)]
    pub log_tail: String,
    /// Whether a kubeadm unit runs on this node now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kubeadm_running: bool,
}

impl ComponentState {
    /// Whether it serves, as far as a client without more credentials can know: it is ready, and an authorised read of an object succeeds
    /// (of the API server). A component without a health endpoint serves while it runs.
    pub fn serves(&self) -> bool {
        let answers = self.ready && self.object_read != Some(false);
        answers || self.wants_credentials || (self.endpoint.is_empty() && self.running.is_some())
    }
}

impl From<ComponentState> for ApiServerState {
    fn from(state: ComponentState) -> Self {
        let answer = match state.object_read {
            Some(false) => format!("{}\n{}", state.answer, state.object_answer),
            _ => state.answer,
        };
        Self {
            endpoint: state.endpoint,
            ready: state.ready,
            readyz: answer,
            running: state.running,
            wants_credentials: state.wants_credentials,
            object_read: state.object_read,
            flags_match: state.flags_match,
            hash_matches: state.hash_matches,
            restarts: state.restarts,
            last_exit: state.last_exit,
            log_tail: state.log_tail,
            kubeadm_running: state.kubeadm_running,
        }
    }
}

/// One request to the API through the proxy of the node's own loopback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProxyState {
    /// host:port of the proxy, as the kubelet's kubeconfig has it.
    pub endpoint: String,
    /// An API server answered, whether or not it wants other credentials.
    pub ok: bool,
    /// Why not, in a line; empty if `ok`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Time of the request, with a new connection and its TLS handshake.
    pub milliseconds: u64,
}
