//! The other API servers of the cluster, by what this node's own API server knows of them: the endpoints of the service `kubernetes`, which
//! the API servers keep themselves. Each is asked for its health directly, never through a proxy.

use crate::look::{address, alive, component, object};
use crate::node::Node;
use futures_util::future::join_all;
use podlift_model::{agree, count};
use serde::Deserialize;

/// Fewest other API servers that must serve while this one is away: one more may then fail.
pub(super) const ENOUGH: usize = 2;

/// The object that the API servers keep (`pkg/controlplane/reconcilers`).
const SLICE: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";

#[derive(Deserialize)]
struct Slice {
    #[serde(default)]
    endpoints: Vec<Endpoint>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
struct Endpoint {
    addresses: Vec<String>,
}

#[derive(Deserialize)]
struct Port {
    port: u16,
}

/// `1 other API server serves`.
pub(super) fn serve(serving: usize) -> String {
    format!("{} {}", count(serving, "other API server"), agree(serving, "serves", "serve"))
}

/// host:port of each other API server that serves, or why they can't be known.
pub(super) async fn serving(node: &Node) -> Result<Vec<String>, String> {
    let manifest = alive::api_server(node).ok_or("no manifest of kube-apiserver that can be read")?;
    let own = address::api_server(&manifest)?;
    let tls = component::tls(&own, &manifest);
    let read = object::get(node, &own, SLICE, &tls).await.ok_or("this node has no credentials")?;
    if !read.succeeded {
        return Err(read.said);
    }
    let others = parse(&read.body, &own).ok_or_else(|| format!("{SLICE} holds no endpoints"))?;
    let asked = join_all(others.into_iter().map(|endpoint| {
        let tls = &tls;
        async move { alive::ask(node, &endpoint, "/readyz", tls).await.serves().then_some(endpoint) }
    }));
    Ok(asked.await.into_iter().flatten().collect())
}

/// The endpoints besides `own`; `None` if the text is no slice with at least one endpoint.
fn parse(text: &str, own: &str) -> Option<Vec<String>> {
    let slice: Slice = serde_json::from_str(text).ok()?;
    let port = slice.ports.first()?.port;
    let addresses = slice.endpoints.iter().flat_map(|e| &e.addresses);
    let all: Vec<String> = addresses.map(|host| address::joined(host, &port.to_string())).collect();
    (!all.is_empty()).then(|| all.into_iter().filter(|endpoint| endpoint != own).collect())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn all_but_the_own_one() {
        let slice = r#"{"kind":"EndpointSlice","addressType":"IPv4","endpoints":[
            {"addresses":["10.77.0.11"],"conditions":{"ready":true}},
            {"addresses":["10.77.0.12"]},{"addresses":["10.77.0.13"]}],
            "ports":[{"name":"https","protocol":"TCP","port":6443}]}"#;
        assert_eq!(parse(slice, "10.77.0.12:6443").unwrap(), ["10.77.0.11:6443", "10.77.0.13:6443"]);
        let six = r#"{"endpoints":[{"addresses":["fd00::1"]}],"ports":[{"port":6443}]}"#;
        assert_eq!(parse(six, "x").unwrap(), ["[fd00::1]:6443"]);
        let none = [r#"{"kind":"Status","code":404}"#, "", r#"{"endpoints":[],"ports":[{"port":1}]}"#];
        assert!(none.iter().all(|text| parse(text, "x").is_none()));
    }
}
