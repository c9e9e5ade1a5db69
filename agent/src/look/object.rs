//! Reads of objects at an API server with the credentials of this node. An API server opens its port, and answers `ok` to /readyz, before
//! its authorisation has read all roles; until then it refuses clients with 403. Only a read that must be authorised shows that it is over.

use super::alive::clients;
use crate::node::Node;
use podlift_host::HttpTls;

/// Answer to an authorised read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub succeeded: bool,
    /// Path and answer in a line.
    pub said: String,
    /// The object; empty if the read did not succeed.
    pub body: String,
}

/// Reads the Node object of this node. `None` if the node has no credentials.
pub async fn read(node: &Node, endpoint: &str, tls: &HttpTls) -> Option<Read> {
    get(node, endpoint, &format!("/api/v1/nodes/{}", node.config.node), tls).await
}

/// Reads one object. The first pair that the server knows decides: a 403 to the API server's own pair, which RBAC authorises, is what this
/// read is for, and the kubelet's pair would hide it, because the node authorizer needs no roles. `None` if the node has no credentials.
pub async fn get(node: &Node, endpoint: &str, path: &str, tls: &HttpTls) -> Option<Read> {
    let mut last = None;
    for client in clients(node) {
        let said = |what: &str| format!("GET {path}: {what}");
        match node.host.http.get(endpoint, path, &tls.clone().with_client(Some(client))).await {
            // The object does not exist; to learn that, the client had to be authorised.
            Ok((status @ (200 | 404), body)) => {
                return Some(Read { succeeded: true, said: said(&status.to_string()), body });
            }
            Ok((401, _)) => last = Some(failed(said("401"))),
            Ok((status, body)) => return Some(failed(said(&format!("{status} {}", first_line(&body))))),
            Err(error) => last = Some(failed(said(&error.why))),
        }
    }
    last
}

fn failed(said: String) -> Read {
    Read { succeeded: false, said: said.trim_end().into(), body: String::new() }
}

/// The message of a Status object, or the start of another body.
fn first_line(body: &str) -> String {
    let status: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = status.as_ref().and_then(|s| s["message"].as_str()).unwrap_or(body);
    message.lines().next().unwrap_or_default().chars().take(200).collect()
}
