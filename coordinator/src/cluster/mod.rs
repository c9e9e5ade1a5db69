//! The connection to the cluster being upgraded: a closed set of looks, and a closed set of changes. Each change is fenced by the epoch of
//! its coordinator. podlift must not keep its own state in the cluster.

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

/// Code of the failure that the API does not answer now. The failure is always transient.
pub const UNREACHABLE: &str = "api-unreachable";
/// Code of the failure that another coordinator with a higher epoch wrote the object.
pub const FENCED: &str = "fenced";

#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes one read-only look.
    async fn look(&self, look: &ClusterLook) -> Result<ClusterReply, Failure>;

    /// Makes one change, fenced by the epoch. The result is a line for people.
    async fn act(&self, act: &ClusterAct, epoch: &Epoch) -> Result<String, Failure>;

    /// The API's answer for a path, byte for byte, so that backups lose no field; `None` if there is no such object.
    async fn raw(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Bytes>, Failure>;
}
