//! Reports to the heal which etcd answers behind the API server's manifest. The agent asks the live manifest's own endpoints, and the
//! learned ones only if the live manifest names none. By the heal's rule, an answer of endpoints that are no longer in use lifts no
//! prohibition; here they are not asked beside the live ones.

use crate::node::Node;
use podlift_heal::manifest::Manifest;
use podlift_heal::{Endpoints, Expectations};
use podlift_host::Host;
use podlift_model::op::Component;
use podlift_model::{ClusterName, FlagSet, codes};
use podlift_tools::etcdctl::Access;
use std::collections::BTreeSet;

/// Which cluster answered at some endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    One(String),
    /// More than one cluster: (endpoint, cluster).
    Mixed(Vec<(String, String)>),
    /// No endpoint answered, for this reason.
    Silent(String),
    /// There is no tool with which to ask.
    NoTool(String),
}

pub(super) async fn ask(host: &Host, access: &Access) -> Answered {
    let clusters = match access.clusters(host).await {
        Ok(clusters) => clusters,
        Err(failure) if failure.code == codes::COMMAND_MISSING => return Answered::NoTool(failure.message),
        Err(failure) => return Answered::Silent(failure.message),
    };
    let ids: BTreeSet<&String> = clusters.iter().map(|(_, cluster)| cluster).collect();
    match (ids.first(), ids.len()) {
        (Some(id), 1) => Answered::One(id.to_string()),
        (Some(_), _) => Answered::Mixed(clusters),
        (None, _) => Answered::Silent(format!("none of {} answers", access.endpoints.join(", "))),
    }
}

impl Answered {
    /// The cluster to report: of several, one that is not the expected one.
    fn decisive(&self, expected: Option<&str>) -> Option<&str> {
        match self {
            Self::One(cluster) => Some(cluster),
            Self::Mixed(all) => {
                let expected = expected?;
                all.iter().map(|(_, cluster)| cluster.as_str()).find(|cluster| *cluster != expected)
            }
            Self::Silent(_) | Self::NoTool(_) => None,
        }
    }

    pub fn mixed(all: &[(String, String)]) -> String {
        let each: Vec<String> = all.iter().map(|(at, cluster)| format!("{at} is of {cluster}")).collect();
        format!("the etcd endpoints belong to more than one cluster: {}", each.join(", "))
    }
}

/// Reports to the heal which cluster answers now. Without expectations there is nothing to compare, so it does nothing.
pub(super) async fn tell(node: &Node) {
    let Some(expected) = node.heal.expectations() else { return };
    let Ok(look) = node.heal.seen(Component::KubeApiserver) else { return };
    let Some(manifest) = look.manifest().filter(|manifest| manifest.opaque().is_none()) else { return };
    let Some((endpoints, access)) = whom(&node.host, &node.config.cluster, manifest, &expected) else {
        return;
    };
    let answered = ask(&node.host, &access).await;
    // If the manifest has changed meanwhile, the answer would be attributed to the new one.
    let same = node.heal.seen(Component::KubeApiserver).is_ok_and(|now| now.hash == look.hash);
    let still = same && !node.heal.kubeadm_running();
    if let Some(cluster) = answered.decisive(expected.etcd_cluster.as_deref()).filter(|_| still) {
        node.heal.etcd_answered(endpoints, cluster);
    }
}

/// The endpoints to ask; `None` for none. An answer of other endpoints must not become the cluster id of the expected ones.
fn whom(
    host: &Host,
    cluster: &ClusterName,
    manifest: &Manifest,
    expected: &Expectations,
) -> Option<(Endpoints, Access)> {
    if let Some(live) = Access::of_manifest(host, cluster, manifest, None) {
        let known = expected.etcd_cluster.is_some() || same(&manifest.flags(), &expected.etcd_servers);
        return known.then_some((Endpoints::Live, live));
    }
    let access = Access::of_manifest(host, cluster, manifest, Some(&expected.etcd_servers))?;
    Some((Endpoints::Expected, access))
}

fn same(flags: &FlagSet, servers: &str) -> bool {
    let live: BTreeSet<String> = flags.items("etcd-servers").into_iter().collect();
    let expected: BTreeSet<String> =
        servers.split(',').map(|s| s.trim().to_string()).filter(|s| !s.is_empty()).collect();
    live == expected
}
