//! HTTPS to an address of a node: what listens there, if something does. Certificates are files that are there or not: real chains are
//! checked where there is real TLS.

use super::Here;
use crate::api::{UNAUTHORIZED, health};
use crate::kubelet::{HEALTHZ, listens_at};
use crate::world::anonymous;
use crate::world::state::{Container, State};
use async_trait::async_trait;
use podlift_agent::host::{Http, HttpError, HttpTls, Trust};

pub struct Port(pub Here);

#[async_trait]
impl Http for Port {
    async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
        let failed = |why: String| HttpError { url: format!("https://{endpoint}{path}"), why };
        tokio::task::yield_now().await;
        self.0.check().map_err(|e| failed(e.to_string()))?;
        self.files(tls).map_err(failed)?;
        let (ip, port) = endpoint.rsplit_once(':').ok_or_else(|| failed("no port".into()))?;
        let port: u16 = port.parse().map_err(|_| failed("no port".into()))?;
        let refused = || failed("connect: connection refused".into());
        let asked = ip.trim_matches(['[', ']']);
        match self.behind(asked, port).ok_or_else(refused)? {
            (_, server) if server.name != "kube-apiserver" => match &tls.trust {
                Trust::OwnLoopback => Ok(component(path)),
                Trust::Ca(_) | Trust::AnyOf(_) => {
                    Err(failed("invalid peer certificate: UnknownIssuer".into()))
                }
            },
            (node, server) => Ok(self.api_server(&node, &server, path, tls)),
        }
    }
}

impl Port {
    fn files(&self, tls: &HttpTls) -> Result<(), String> {
        let disk = &self.0.disk;
        match &tls.trust {
            Trust::Ca(ca) => drop(disk.read(ca).map_err(|e| format!("CA {}: {e}", ca.display()))?),
            Trust::AnyOf(all) if all.iter().all(|ca| disk.read(ca).is_err()) => {
                return Err(format!("none of {} CA files is there", all.len()));
            }
            Trust::AnyOf(_) | Trust::OwnLoopback => {}
        }
        if let Some(pair) = &tls.client {
            let (certificate, key) = (&pair.certificate, &pair.key);
            disk.read(certificate)
                .map_err(|e| format!("client certificate {}: {e}", certificate.display()))?;
            disk.read(key).map_err(|e| format!("client key {}: {e}", key.display()))?;
        }
        Ok(())
    }

    /// The node and its container that listen there.
    fn behind(&self, ip: &str, port: u16) -> Option<(String, Container)> {
        let s = self.0.world.lock();
        let own = s.node(&self.0.node);
        let loopback = ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let node = s.node_at(ip).or(loopback.then_some(own))?;
        let found = HEALTHZ.iter().map(|(name, ..)| *name).chain(["kube-apiserver"]).find_map(|name| {
            let c = node.container(name).filter(|c| c.running() && c.listening)?;
            let (bound, at) = listens_at(c);
            (at == port && (bound == "0.0.0.0" || bound == ip)).then(|| c.clone())
        })?;
        reachable(&s, &found).then(|| (node.name.clone(), found))
    }

    fn api_server(&self, node: &str, server: &Container, path: &str, tls: &HttpTls) -> (u16, String) {
        let world = &self.0.world;
        if tls.client.is_none() && !anonymous::allowed(world.disk(node).as_ref(), &server.args, path) {
            return (401, UNAUTHORIZED.into());
        }
        if !world.lock().store_answers(node, &server.store) {
            return (500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n".into());
        }
        let (check, query) =
            path.trim_start_matches('/').split_once('?').unwrap_or((path.trim_start_matches('/'), ""));
        match check {
            "readyz" | "livez" | "healthz" => (200, health(check, query.contains("verbose"))),
            _ => (403, "forbidden\n".into()),
        }
    }
}

fn reachable(s: &State, c: &Container) -> bool {
    c.name != "kube-apiserver" || !s.api_away
}

/// kube-controller-manager and kube-scheduler answer every client about their health, and nothing else.
pub fn component(path: &str) -> (u16, String) {
    match path.split('?').next().unwrap_or_default() {
        "/healthz" | "/livez" | "/readyz" => (200, "ok".into()),
        _ => (403, "forbidden\n".into()),
    }
}
