//! The connection to the cluster being upgraded: a closed set of looks, and a closed set of changes. Each change is fenced by the epoch of
//! its coordinator. podlift must not keep its own state in the cluster.

mod certificates;
mod credentials;
mod followed;
mod kube;
mod page;
mod parts;
mod probe;
mod rights;
mod secret_copy;
mod servers;

pub use certificates::{Certificates, Handshake};
pub use credentials::{Credentials, CredentialsError};
pub use followed::{Change, Followed};
pub(crate) use kube::wipe;
pub use kube::{ByAddress, Gauge, KubeCluster, connect, connect_for_watches};
pub use parts::{NO_PROBES, Parts, PartsAsk};
pub use probe::{HttpsProber, Prober};
pub(crate) use probe::{SILENCE, SILENT};
pub use secret_copy::SecretCopy;
pub use servers::Servers;

use crate::dispatch::Progress;
use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::doors::ApiProbe;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure};
use tokio::sync::mpsc;

/// Code of the failure that the API does not answer now. The failure is always transient.
pub const UNREACHABLE: &str = podlift_model::codes::API_UNREACHABLE;
/// Code of the failure that another coordinator with a higher epoch wrote the object.
pub const FENCED: &str = "fenced";
/// Most coordinator starts between two journals that do not know each other. A number of an epoch further above was not reached by counting.
pub const JUMP: u64 = 1_000_000;

#[async_trait]
pub trait Cluster: Send + Sync {
    /// The cluster that answers where this adapter has nothing to add; `None` for one that is no wrapper.
    fn behind(&self) -> Option<&dyn Cluster> {
        None
    }

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
        if let Some(cluster) = self.behind() {
            return cluster.ready_at(endpoint).await;
        }
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
        if let Some(cluster) = self.behind() {
            return cluster.read_at(endpoint).await;
        }
        self.ready_at(endpoint).await
    }

    /// Whether one endpoint takes a change, which it does not store. An adapter that changes nothing reads.
    async fn write_at(&self, endpoint: &str) -> ApiProbe {
        if let Some(cluster) = self.behind() {
            return cluster.write_at(endpoint).await;
        }
        self.read_at(endpoint).await
    }

    /// Holds one watch at an endpoint open until it ends. `opened` is called when the endpoint has accepted it. The result is the reason of
    /// an end that a client would notice; `Ok` if the server ended it in time. An adapter without watches waits for ever.
    async fn watch_at(&self, endpoint: &str, opened: &(dyn Fn() + Send + Sync)) -> Result<(), String> {
        if let Some(cluster) = self.behind() {
            return cluster.watch_at(endpoint, opened).await;
        }
        let _ = (endpoint, opened);
        std::future::pending().await
    }

    /// Sends the changes of followed objects until the watch breaks; the result is the reason.
    async fn follow(&self, what: &Followed, changes: &mpsc::Sender<Change>) -> Failure {
        if let Some(cluster) = self.behind() {
            return cluster.follow(what, changes).await;
        }
        let _ = (what, changes);
        Failure::permanent("no-watches", "this adapter follows no objects")
    }

    /// The parts of a validation. `told` receives what is looked at.
    async fn parts(&self, ask: &PartsAsk, told: &Progress) -> Parts {
        if let Some(cluster) = self.behind() {
            return cluster.parts(ask, told).await;
        }
        let _ = (ask, told);
        Parts::unseen("this adapter looks at no parts")
    }

    /// Creates a secret. One that exists is never replaced (`made-anew`).
    async fn create_secret(&self, copy: &SecretCopy) -> Result<String, Failure> {
        if let Some(cluster) = self.behind() {
            return cluster.create_secret(copy).await;
        }
        let text = format!("this adapter creates no {copy:?}");
        Err(Failure::permanent("no-secrets", text))
    }

    /// The newest message of the API about an object; `None` without one.
    async fn said_about(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<String>, Failure> {
        if let Some(cluster) = self.behind() {
            return cluster.said_about(kind, namespace, name).await;
        }
        let _ = (kind, namespace, name);
        Ok(None)
    }

    /// The API's answer for a path, byte for byte, so that backups lose no field; `None` if there is no such object.
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure>;
}
