//! Whether the API answers behind the proxy on this node's own loopback (BCM's nginx, `127.0.0.1:10443`), through which the kubelet reaches it.
//! One request with a new connection, so that the proxy has to choose an API server. What is behind it is not asked for its health.

use crate::kubelet_user::KUBELET_CONF;
use crate::node::Node;
use podlift_host::HttpTls;
use podlift_model::Failure;
use podlift_model::components::ProxyState;
use podlift_tools::files::file_failure;
use podlift_tools::yaml;
use serde::Deserialize;
use std::io;
use std::net::IpAddr;
use std::path::Path;

#[derive(Deserialize)]
struct Kubeconfig {
    #[serde(default)]
    clusters: Vec<NamedCluster>,
}

#[derive(Deserialize)]
struct NamedCluster {
    #[serde(default)]
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
struct Cluster {
    #[serde(default)]
    server: String,
}

/// `None` if the node has not joined, or if its kubelet uses another address than one of the loopback.
pub async fn state(node: &Node) -> Result<Option<ProxyState>, Failure> {
    let path = Path::new(KUBELET_CONF);
    let bytes = match node.host.files.read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(file_failure(path, &e)),
    };
    let Some(endpoint) = endpoint(&bytes).map_err(|why| {
        let message =
            format!("{KUBELET_CONF} is no kubeconfig: {why}; expected the one of this node's kubelet");
        Failure::operator("kubeconfig-unreadable", message)
    })?
    else {
        return Ok(None);
    };
    let (clock, tls) = (&node.host.clock, HttpTls::own_loopback());
    let began = clock.since_boot();
    let answer = node.host.http.get(&endpoint, "/version", &tls).await;
    let took = clock.since_boot().saturating_sub(began);
    let why = match answer {
        // An API server that wants credentials has answered.
        Ok((200 | 401 | 403, _)) => String::new(),
        Ok((status, body)) => {
            let line: String = body.lines().next().unwrap_or_default().chars().take(200).collect();
            format!("GET /version: {status} {line}").trim_end().to_string()
        }
        Err(error) => error.to_string(),
    };
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(Some(ProxyState { endpoint, ok: why.is_empty(), why, milliseconds }))
}

/// `host:port` of the first cluster's server if that is an address of the loopback.
fn endpoint(bytes: &[u8]) -> Result<Option<String>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
    let config: Kubeconfig = yaml::first(text)?;
    let server = config.clusters.first().map(|named| named.cluster.server.as_str()).unwrap_or_default();
    let Some(endpoint) = server.strip_prefix("https://") else { return Ok(None) };
    let endpoint = endpoint.split('/').next().unwrap_or_default();
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = ip.is_ok_and(|ip| ip.is_loopback()) && endpoint != host;
    Ok(loopback.then(|| endpoint.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, exited};
    use async_trait::async_trait;
    use podlift_host::{Http, HttpError};
    use std::sync::Arc;

    fn kubeconfig(server: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: runaicluster\n  cluster:\n    server: {server}\n"
        )
    }

    #[test]
    fn only_an_address_of_the_loopback_is_a_proxy_of_the_node() {
        for (server, want) in [
            ("https://127.0.0.1:10443", Some("127.0.0.1:10443")),
            ("https://127.0.0.1:10443/", Some("127.0.0.1:10443")),
            ("https://[::1]:10443", Some("[::1]:10443")),
            ("https://10.141.0.10:6443", None),
            ("https://master:10443", None),
            ("https://127.0.0.1", None),
            ("http://127.0.0.1:10443", None),
        ] {
            let found = endpoint(kubeconfig(server).as_bytes()).unwrap();
            assert_eq!(found.as_deref(), want, "{server}");
        }
        assert_eq!(endpoint(b"clusters: []\n"), Ok(None));
        assert!(endpoint(b"clusters: 7\n").is_err() && endpoint(b"\xff").is_err());
    }

    /// Answers one request as given.
    struct Answer(Result<(u16, String), String>);

    #[async_trait]
    impl Http for Answer {
        async fn get(&self, endpoint: &str, path: &str, tls: &HttpTls) -> Result<(u16, String), HttpError> {
            assert_eq!((endpoint, path), ("127.0.0.1:10443", "/version"));
            assert_eq!(*tls, HttpTls::own_loopback());
            let url = format!("https://{endpoint}{path}");
            self.0.clone().map_err(|why| HttpError { url, why })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_proxy_answers() {
        let gateway = "502 Bad Gateway".to_string();
        for (answer, why) in [
            (Ok((200, "{}".into())), ""),
            (Ok((401, String::new())), ""),
            (Ok((403, String::new())), ""),
            (Ok((502, gateway)), "GET /version: 502 502 Bad Gateway"),
            (Ok((503, String::new())), "GET /version: 503"),
            (Err("connection refused".into()), "https://127.0.0.1:10443/version: connection refused"),
        ] {
            let mut bench = Bench::new(|_| exited(1, "not asked here"));
            bench.files.put(KUBELET_CONF, kubeconfig("https://127.0.0.1:10443").as_bytes());
            bench.host.http = Arc::new(Answer(answer));
            let state = state(&bench.node()).await.unwrap().unwrap();
            assert_eq!((state.ok, state.why.as_str()), (why.is_empty(), why));
            assert_eq!(state.endpoint, "127.0.0.1:10443");
        }
        let bench = Bench::new(|_| exited(1, "not asked here"));
        assert_eq!(state(&bench.node()).await, Ok(None), "a node that has not joined");
    }
}
