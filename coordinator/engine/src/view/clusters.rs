//! `podlift clusters`: the Kubernetes clusters that BCM lists, and which of them this coordinator serves.

use jiff::Timestamp;
use podlift_model::bcm::BcmCluster;
use podlift_model::{ClusterName, NodeName, PackageVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const SCHEMA: &str = "podlift.clusters/v1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clusters {
    pub schema: String,
    /// The cluster that this coordinator serves.
    pub cluster: ClusterName,
    pub at: Timestamp,
    /// The head node whose agent has asked BCM.
    pub head: NodeName,
    /// In BCM's order.
    pub clusters: Vec<ClusterRow>,
    /// What is wrong with the list; `None` if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One cluster of BCM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterRow {
    pub name: ClusterName,
    /// The version in BCM's metadata; `None` if it has none that can be read.
    pub version: Option<PackageVersion>,
    /// Whether this coordinator serves it. Each of the others has a coordinator of its own, or none.
    pub served: bool,
}

pub fn clusters(cluster: &ClusterName, head: &NodeName, at: Timestamp, listed: Vec<BcmCluster>) -> Clusters {
    let rows = listed.into_iter().map(|one| ClusterRow {
        served: one.name == *cluster,
        name: one.name,
        version: one.version,
    });
    let clusters: Vec<ClusterRow> = rows.collect();
    let problem = (!clusters.iter().any(|row| row.served)).then(|| missing(cluster, &clusters));
    Clusters { schema: SCHEMA.into(), cluster: cluster.clone(), at, head: head.clone(), clusters, problem }
}

fn missing(cluster: &ClusterName, clusters: &[ClusterRow]) -> String {
    let names: Vec<&str> = clusters.iter().map(|row| row.name.as_str()).collect();
    match names.is_empty() {
        true => format!("BCM lists no Kubernetes cluster, expected {cluster}, which this coordinator serves"),
        false => format!(
            "BCM does not list {cluster}, which this coordinator serves, it lists {}: set cluster in the coordinator's configuration to the name of its cluster",
            names.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(names: &[&str]) -> Clusters {
        let listed =
            |name: &&str| BcmCluster { name: name.parse().unwrap(), version: "1.32.9-1.1".parse().ok() };
        let listed = names.iter().map(listed).collect();
        let (cluster, head) = ("k8s-user".parse().unwrap(), "head-01".parse().unwrap());
        clusters(&cluster, &head, Timestamp::UNIX_EPOCH, listed)
    }

    #[test]
    fn the_served_cluster_is_marked_and_a_list_without_it_says_so() {
        let served =
            |names: &[&str]| -> Vec<bool> { view(names).clusters.iter().map(|row| row.served).collect() };
        assert_eq!(served(&["k8s-admin", "k8s-user"]), [false, true]);
        for (names, problem) in [
            (&["k8s-admin", "k8s-user"][..], None),
            (
                &["default"],
                Some("BCM does not list k8s-user, which this coordinator serves, it lists default"),
            ),
            (&[], Some("BCM lists no Kubernetes cluster")),
        ] {
            let found = view(names).problem;
            assert_eq!(found.is_some(), problem.is_some(), "{found:?}");
            assert!(found.is_none_or(|text| text.contains(problem.unwrap())), "{names:?}");
        }
    }
}
