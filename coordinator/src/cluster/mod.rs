//! The way to the cluster being upgraded: a closed set of looks, and a closed set of changes, each fenced by the epoch of the coordinator
//! that makes it. Never the place where
//! podlift keeps anything that it needs to know.

mod certificates;
mod credentials;
mod kube;
mod probe;
mod servers;

pub use certificates::{Certificates, Handshake};
pub use credentials::{Credentials, CredentialsError};
pub use kube::{ByAddress, KubeCluster, connect};
pub use probe::{HttpsProber, Prober};
pub use servers::Servers;

use async_trait::async_trait;
use bytes::Bytes;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_model::{Epoch, Failure};

/// Code of the failure that says: the API does not answer now. Always transient.
pub const UNREACHABLE: &str = "api-unreachable";
/// Code of the failure that says: another coordinator with a higher epoch was here.
pub const FENCED: &str = "fenced";

#[async_trait]
pub trait Cluster: Send + Sync {
    /// Reads only.
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure>;

    /// One change, fenced by the epoch. The result is a line for people.
    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure>;

    /// What the API sends for a path, byte for byte; None where there is no such thing. For backups, which lose no field.
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure>;
}
