//! A connection to one API server by its own address. The proxy in front of the servers would choose one itself.

/// Clients of single API servers, each with the coordinator's identity.
pub trait Servers: Send + Sync {
    /// `endpoint` is HOST:PORT. The client does not connect yet.
    fn at(&self, endpoint: &str) -> Result<::kube::Client, String>;
}

/// The implementation when no way to reach single servers is configured.
pub(super) struct NoServers;

impl Servers for NoServers {
    fn at(&self, endpoint: &str) -> Result<::kube::Client, String> {
        Err(format!("{endpoint} can't be reached on its own: no kubeconfig is set for single API servers"))
    }
}
