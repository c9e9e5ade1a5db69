//! A way to one API server by its own address. The proxy in front of them would choose one by itself.

/// Clients of single API servers, each with the coordinator's identity.
pub trait Servers: Send + Sync {
    /// `endpoint` is HOST:PORT. Does not dial yet.
    fn at(&self, endpoint: &str) -> Result<::kube::Client, String>;
}

/// Nobody said how.
pub(super) struct NoServers;

impl Servers for NoServers {
    fn at(&self, endpoint: &str) -> Result<::kube::Client, String> {
        Err(format!("there is no way to {endpoint} by itself"))
    }
}
