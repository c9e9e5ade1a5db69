//! The connection to the cluster being upgraded: a closed set of looks, and a closed set of changes. Each change is fenced by the epoch of
//! its coordinator. podlift must not keep its own state in the cluster.

mod certificates;
mod credentials;
mod kube;
mod probe;
mod rights;
mod servers;

pub use certificates::{Certificates, Handshake};
pub use credentials::{Credentials, CredentialsError};
pub use kube::{ByAddress, Gauge, KubeCluster, connect, connect_for_watches};
pub use probe::{HttpsProber, Prober};
pub use servers::Servers;

use crate::dispatch::Progress;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::ApiProbe;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure};

/// Code of the failure that the API does not answer now. The failure is always transient.
pub const UNREACHABLE: &str = podlift_model::codes::API_UNREACHABLE;
/// Code of the failure that another coordinator with a higher epoch wrote the object.
pub const FENCED: &str = "fenced";
/// Most coordinator starts between two journals that do not know each other. A number of an epoch further above was not reached by counting.
pub const JUMP: u64 = 1_000_000;

#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes one read-only look.
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure>;

    /// Makes one change, fenced by the epoch. The result is a line for people.
    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure>;

    /// Like `act`. `told` receives lines about what a long change waits for.
    async fn act_told(&self, act: &ClusterAct, epoch: &Epoch, told: &Progress) -> Result<String, Failure> {
        let _ = told;
        self.act(act, epoch).await
    }

    /// Whether one endpoint is ready, over a fresh connection.
    async fn ready_at(&self, endpoint: &str) -> ApiProbe {
        let failed = |why: String| ApiProbe { endpoint: endpoint.into(), ok: false, why };
        let look = ClusterLook::ProbeApiServers { endpoints: vec![endpoint.into()] };
        match self.look(&look).await {
            Ok(ClusterReply::Probes(mut probes)) => {
                probes.pop().unwrap_or_else(|| failed("no answer".into()))
            }
            Ok(_) => failed("unexpected answer".into()),
            Err(failure) => failed(failure.message),
        }
    }

    /// Whether one endpoint returns an object of the cluster, over a fresh connection. An adapter that reads no object asks for readiness.
    async fn read_at(&self, endpoint: &str) -> ApiProbe {
        self.ready_at(endpoint).await
    }

    /// The API's answer for a path, byte for byte, so that backups lose no field; `None` if there is no such object.
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure>;
}
