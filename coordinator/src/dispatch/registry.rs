//! What the cluster reports of a node: the machine that its kubelet runs on, whether that machine lives, and whether it is control plane.
//! The module only reads, and asks for one node at a time. If the cluster does not answer, it reports that, and decides nothing.

use crate::cluster::Cluster;
use jiff::Timestamp;
use podlift_model::NodeName;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The longest time that a slow API server may delay an agent's Welcome.
const PATIENCE: Duration = Duration::from_secs(3);
/// Concurrent requests. After a restart of the coordinator every agent connects at once.
const AT_ONCE: usize = 32;
/// A kubelet renews its lease every 10 s, and counts as gone after 40 to 50 s.
const FRESH: Duration = Duration::from_secs(60);
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// The answer of the Node object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Registered {
    /// No node of that name exists.
    Nobody,
    /// The cluster did not answer; the reason.
    Unknown(String),
    As(Kubelet),
}

/// A kubelet, as it reported itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kubelet {
    pub machine: String,
    pub boot: String,
    pub address: String,
    /// The node is Ready, and its lease is fresh.
    pub alive: bool,
    pub control_plane: bool,
}

pub(super) struct Registry {
    cluster: Option<Arc<dyn Cluster>>,
    doors: Semaphore,
}

impl Registry {
    pub fn new(cluster: Option<Arc<dyn Cluster>>) -> Self {
        Self { cluster, doors: Semaphore::new(AT_ONCE) }
    }

    pub async fn of(&self, node: &NodeName, now: Timestamp) -> Registered {
        let Some(cluster) = &self.cluster else {
            return Registered::Unknown("this coordinator has no cluster to ask".into());
        };
        let asked = async {
            let _door = self.doors.acquire().await;
            ask(cluster.as_ref(), node, now).await
        };
        let late = |_| Registered::Unknown(format!("the API did not answer within {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late)
    }
}

async fn ask(cluster: &dyn Cluster, node: &NodeName, now: Timestamp) -> Registered {
    let object = match cluster.raw(&format!("/api/v1/nodes/{node}"), &[]).await {
        Ok(None) => return Registered::Nobody,
        Ok(Some(bytes)) => serde_json::from_slice::<Value>(&bytes),
        Err(failure) => return Registered::Unknown(failure.message),
    };
    let object = match object {
        Ok(object) => object,
        Err(error) => return Registered::Unknown(format!("its Node object can't be read: {error}")),
    };
    let mut kubelet = read(&object);
    if kubelet.alive {
        kubelet.alive = renewed(cluster, node, now).await;
    }
    Registered::As(kubelet)
}

fn read(object: &Value) -> Kubelet {
    let (info, status) = (&object["status"]["nodeInfo"], &object["status"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let one = |list: &str, kind: &str| {
        let all = status[list].as_array().into_iter().flatten();
        all.clone().find(|c| c["type"] == kind).cloned().unwrap_or_default()
    };
    Kubelet {
        machine: text(&info["machineID"]),
        boot: text(&info["bootID"]),
        address: text(&one("addresses", "InternalIP")["address"]),
        alive: one("conditions", "Ready")["status"] == "True",
        control_plane: object["metadata"]["labels"].get(CONTROL_PLANE).is_some(),
    }
}

/// A lease that cannot be read does not contradict the Ready condition, which depends on the lease.
async fn renewed(cluster: &dyn Cluster, node: &NodeName, now: Timestamp) -> bool {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}");
    let Ok(Some(bytes)) = cluster.raw(&path, &[]).await else { return true };
    let lease: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let renewed = lease["spec"]["renewTime"].as_str().and_then(|t| t.parse::<Timestamp>().ok());
    renewed.is_none_or(|at| now.as_second().saturating_sub(at.as_second()) <= FRESH.as_secs() as i64)
}
