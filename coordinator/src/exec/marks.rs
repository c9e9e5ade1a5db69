//! The epochs that coordinators have written to the cluster: on the nodes that they cordoned, and on the ConfigMaps that they repaired. A
//! takeover needs a higher one than all of them, or its first cordon would be refused.

use crate::cluster::Cluster;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::Epoch;
use serde_json::Value;
use std::collections::BTreeMap;

const MAPS: [&str; 2] = ["kubeadm-config", "kubelet-config"];
const EPOCH: &str = "podlift.io/epoch";

/// What the cluster shows.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Each epoch with the objects that carry it, as text.
    pub found: Vec<(Epoch, Vec<String>)>,
    /// What could not be read.
    pub unseen: Vec<String>,
}

pub(super) async fn read(cluster: &dyn Cluster) -> Marks {
    let (mut by_text, mut unseen) = (BTreeMap::<String, (Epoch, Vec<String>)>::new(), Vec::new());
    let mut note = |epoch: Epoch, object: String| {
        by_text.entry(epoch.to_string()).or_insert_with(|| (epoch, Vec::new())).1.push(object);
    };
    match cluster.look(&ClusterLook::Nodes).await {
        Ok(ClusterReply::Nodes(nodes)) => {
            for node in nodes {
                if let Some(owner) = node.owner {
                    note(owner.epoch, format!("node {} (cordon of run {})", node.name, owner.run));
                }
            }
        }
        Ok(_) => unseen.push("the nodes".into()),
        Err(failure) => unseen.push(format!("the nodes: {}", failure.message)),
    }
    for map in MAPS {
        match of_map(cluster, map).await {
            Ok(Some(epoch)) => note(epoch, format!("ConfigMap kube-system/{map}")),
            Ok(None) => {}
            Err(why) => unseen.push(format!("ConfigMap kube-system/{map}: {why}")),
        }
    }
    Marks { found: by_text.into_values().collect(), unseen }
}

async fn of_map(cluster: &dyn Cluster, name: &str) -> Result<Option<Epoch>, String> {
    let path = format!("/api/v1/namespaces/kube-system/configmaps/{name}");
    let Some(bytes) = cluster.raw(&path, &[]).await.map_err(|f| f.message)? else { return Ok(None) };
    let object: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    let text = object["metadata"]["annotations"].get(EPOCH).and_then(Value::as_str);
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}

impl Marks {
    /// The highest epoch up to `limit`.
    pub fn highest(&self, limit: u64) -> Option<&Epoch> {
        self.found.iter().map(|(epoch, _)| epoch).filter(|e| e.number <= limit).max_by_key(|e| e.number)
    }

    /// What was found, for the person who takes over.
    pub fn lines(&self) -> Vec<String> {
        const SHOWN: usize = 3;
        let line = |(epoch, objects): &(Epoch, Vec<String>)| {
            let more = objects.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown: Vec<&str> = objects.iter().take(SHOWN).map(String::as_str).collect();
            format!("epoch {epoch} on {}{more}", shown.join(", "))
        };
        let unseen = self.unseen.iter().map(|what| format!("not seen: {what}"));
        self.found.iter().map(line).chain(unseen).collect()
    }
}
