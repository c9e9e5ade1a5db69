//! Which etcd answers behind the API server's manifest, told to the heal. The live manifest's own endpoints are asked; those that were
//! learned only where the live one names none. An answer of endpoints that nobody uses any more lifts nothing: that is the heal's rule, and
//! here nobody asks them beside the live ones.

use crate::heal::manifest::Manifest;
use crate::heal::{Endpoints, Expectations};
use crate::host::Host;
use crate::node::Node;
use crate::tools::etcdctl::Access;
use podlift_model::op::Component;
use podlift_model::{ClusterName, FlagSet};
use std::collections::BTreeSet;

/// Who answered at some endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    One(String),
    /// More than one cluster: (endpoint, cluster).
    Mixed(Vec<(String, String)>),
    /// Nobody, and why.
    Silent(String),
    /// There is no tool to ask with.
    NoTool(String),
}

pub(super) async fn ask(host: &Host, access: &Access) -> Answered {
    let clusters = match access.clusters(host).await {
        Ok(clusters) => clusters,
        Err(failure) if failure.code == "command-missing" => return Answered::NoTool(failure.message),
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
    /// The cluster that counts: of several, one that is not expected.
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

/// Tells the heal which cluster answers now. Nothing where nothing is expected: then nothing can be wrong.
pub(super) async fn tell(node: &Node) {
    let Some(expected) = node.heal.expectations() else { return };
    let Ok(look) = node.heal.seen(Component::KubeApiserver) else { return };
    let Some(manifest) = look.manifest().filter(|manifest| manifest.opaque().is_none()) else { return };
    let Some((endpoints, access)) = whom(&node.host, &node.config.cluster, manifest, &expected) else {
        return;
    };
    let answered = ask(&node.host, &access).await;
    // Of another manifest by now: the answer would be taken for that one's.
    let same = node.heal.seen(Component::KubeApiserver).is_ok_and(|now| now.hash == look.hash);
    let still = same && !node.heal.kubeadm_running();
    if let Some(cluster) = answered.decisive(expected.etcd_cluster.as_deref()).filter(|_| still) {
        node.heal.etcd_answered(endpoints, cluster);
    }
}

/// Whose endpoints are asked. None: nobody's; an answer of other endpoints must not become the id of those that are expected.
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
