//! HTTPS to an address of a node: what listens there, if something does. Certificates are files that are there or not: real chains are
//! checked where there is real TLS.

use super::Here;
use crate::api::{Caller, UNAUTHORIZED, handle};
use crate::doubles::{HEAD, bcm};
use crate::kubelet::{HEALTHZ, listens_at};
use crate::world::anonymous;
use crate::world::firewall::Reach;
use crate::world::state::{Container, State};
use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use podlift_agent::host::{Http, HttpError, HttpTls, Post, Trust};
use std::time::Duration;

/// As long as the real port waits for an answer.
const LIMIT: Duration = Duration::from_secs(10);

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
            (node, server) => self.api_server(&node, &server, path, tls).await.map_err(failed),
        }
    }

    /// CMDaemon on the head node itself.
    async fn post(&self, post: &Post) -> Result<(u16, String), HttpError> {
        let failed = |why: String| HttpError { url: post.url(), why };
        tokio::task::yield_now().await;
        self.0.check().map_err(|e| failed(e.to_string()))?;
        self.files(&post.tls).map_err(failed)?;
        let port = post.endpoint.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        if self.0.node != HEAD || port != Some(bcm::api::PORT) {
            return Err(failed("connect: connection refused".into()));
        }
        let (status, body) =
            bcm::api::answer(&self.0.world, post.tls.client.is_some(), &post.path, &post.body);
        match body.len() <= post.most {
            true => Ok((status, body)),
            false => Err(failed(format!("the answer has more than {} bytes", post.most))),
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
        let reach = if found.name == "kube-apiserver" {
            s.reach(&node.name, self.0.world.clock.now())
        } else {
            Reach::All
        };
        let own = node.name == self.0.node;
        let let_in = reach == Reach::All || (own && reach == Reach::TheNodeItself);
        (let_in && reachable(&s, &found)).then(|| (node.name.clone(), found))
    }

    async fn api_server(
        &self,
        node: &str,
        server: &Container,
        path: &str,
        tls: &HttpTls,
    ) -> Result<(u16, String), String> {
        let world = &self.0.world;
        if tls.client.is_none() && !anonymous::allowed(world.disk(node).as_ref(), &server.args, path) {
            return Ok((401, UNAUTHORIZED.into()));
        }
        if !world.lock().store_answers(node, &server.store) {
            return Ok((500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n".into()));
        }
        // A pair of the cluster's CA: where there is real TLS, its name and group count.
        let caller = Caller(tls.client.as_ref().map(|_| "by-certificate".to_string()));
        let request = Request::get(path).header("accept", "application/json").body(Bytes::new());
        let request = request.map_err(|e| e.to_string())?;
        let reply = tokio::time::timeout(LIMIT, handle(world, node, &caller, request)).await;
        let reply = reply.map_err(|_| format!("no answer within {} s", LIMIT.as_secs()))?;
        let reply = reply.map_err(|e| e.to_string())?;
        let status = reply.status().as_u16();
        let body = reply.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
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
