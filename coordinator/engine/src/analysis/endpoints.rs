//! Whether two values of `--etcd-servers` lead to the same members. A slash at the end does not matter; on a stacked control plane, neither
//! does the choice among the node's own addresses.

use crate::inventory::NodeEntry;
use crate::kubeadm_config::Renderer;
use podlift_model::KubeVersion;
use podlift_model::op::Component;
use std::collections::BTreeSet;

/// The normalised endpoints: without spaces, slashes at the end and upper case.
pub(crate) fn members(text: &str) -> BTreeSet<String> {
    let items = text.split(',').map(|e| e.trim().trim_end_matches('/').to_ascii_lowercase());
    items.filter(|e| !e.is_empty()).collect()
}

/// `stacked` means that kubeadm runs etcd beside each API server.
pub(crate) fn same(live: &str, rendered: &str, stacked: bool, node: &NodeEntry) -> bool {
    let (live, rendered) = (members(live), members(rendered));
    let own = |all: &BTreeSet<String>| !all.is_empty() && all.iter().all(|e| is_own(e, node));
    live == rendered || (stacked && own(&live) && own(&rendered))
}

/// Whether the endpoint is the member beside this node's API server. kubeadm lets that listen at the loopback address and at the node's
/// own.
fn is_own(endpoint: &str, node: &NodeEntry) -> bool {
    if endpoint.starts_with("unix:") || endpoint.starts_with("unixs:") {
        return true;
    }
    let address = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let Some((host, "2379")) = address.rsplit_once(':') else { return false };
    let host = host.trim_matches(['[', ']']);
    matches!(host, "127.0.0.1" | "::1" | "localhost") || host_of(node).is_some_and(|own| own == host)
}

/// The address that this node's API server advertises, without brackets.
pub(crate) fn host_of(node: &NodeEntry) -> Option<String> {
    let facts = node.facts.as_ref()?;
    let servers = facts.manifests.iter().filter(|m| m.component == Component::KubeApiserver);
    let flag = servers.filter_map(|m| m.flags.joined("advertise-address")).find(|a| !a.starts_with("$("));
    let annotated = facts.advertise.as_deref().and_then(|a| a.rsplit_once(':')).map(|(host, _)| host);
    let host = flag.or_else(|| annotated.map(String::from)).or_else(|| node.view.internal_ip.clone())?;
    Some(host.trim_matches(['[', ']']).to_ascii_lowercase())
}

/// The target's kubeadm on this node.
pub(crate) fn renderer(to: KubeVersion, node: &NodeEntry) -> Renderer {
    Renderer { to, ipv6: host_of(node).is_some_and(|host| host.contains(':')) }
}
