//! HTTPS to an address of a node: the API server that listens there, if one does.

use super::Here;
use async_trait::async_trait;
use podlift_agent::host::{Http, HttpError, HttpTls, Trust};

pub struct Port(pub Here);

#[async_trait]
impl Http for Port {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let Here { world, node, .. } = &self.0;
        let failed = |why: &str| HttpError { url: format!("https://{endpoint}{path}"), why: why.into() };
        tokio::task::yield_now().await;
        self.0.check().map_err(|e| failed(&e.to_string()))?;
        if let Trust::Ca(ca) = &tls.trust
            && world.disk(node).read(ca).is_err()
        {
            return Err(failed("the CA file can't be read"));
        }
        let (ip, port) = endpoint.rsplit_once(':').ok_or_else(|| failed("no port"))?;
        let s = world.lock();
        let target = s.node_at(ip).filter(|_| port == "6443").map(|n| n.name.clone());
        let running = target
            .as_ref()
            .and_then(|n| s.node(n).container("kube-apiserver"))
            .is_some_and(|c| c.running() && c.listening)
            && !s.api_away;
        if !running {
            return Err(failed("connect: connection refused"));
        }
        if !s.etcd.has_quorum() {
            return Ok((500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n".into()));
        }
        let (check, query) =
            path.trim_start_matches('/').split_once('?').unwrap_or((path.trim_start_matches('/'), ""));
        match check {
            "readyz" | "livez" | "healthz" => Ok((200, crate::api::health(check, query.contains("verbose")))),
            _ => Ok((403, "forbidden\n".into())),
        }
    }
}
