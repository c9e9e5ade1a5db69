//! Who uses a node's devices: processes as the World has them, and the allocations of its kubelet, by the pods that request devices. A pod
//! that has ended is listed until it is deleted, as kubelets list it (kubernetes/kubernetes#119423).

use super::Here;
use async_trait::async_trait;
use podlift_agent::host::devices::{Allocation, Devices, Holders};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub struct Port(pub Here);

/// Extended resources whose devices have ids, by the begin of their names.
const DEVICES: [&str; 2] = ["nvidia.com/", "rdma/"];

#[async_trait]
impl Devices for Port {
    async fn holders(&self) -> Holders {
        let found = match self.0.alive() {
            true => self.0.world.lock().node(&self.0.node).holders.clone(),
            false => vec![],
        };
        Holders { found, unseen: None }
    }

    async fn allocations(&self) -> Result<Vec<Allocation>, String> {
        let state = self.0.world.lock();
        if !self.0.alive_in(&state) || state.node(&self.0.node).kubelet.running.is_none() {
            return Err(
                "/var/lib/kubelet/pod-resources/kubelet.sock: Connection refused (os error 111)".into()
            );
        }
        let here = state.api.pods_on(&self.0.node);
        Ok(here.map(|(_, pod)| allocation(pod)).filter(|a| !a.devices.is_empty()).collect())
    }
}

fn allocation(pod: &Value) -> Allocation {
    let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_string();
    let (namespace, name) = (text("namespace"), text("name"));
    let mut devices: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let limits = container["resources"]["limits"].as_object().into_iter().flatten();
        for (resource, amount) in limits.filter(|(r, _)| DEVICES.iter().any(|begin| r.starts_with(begin))) {
            let number = amount.as_str().and_then(|n| n.parse().ok()).or(amount.as_u64()).unwrap_or_default();
            let id = |n: u64| format!("{name}-{}-{n}", container["name"].as_str().unwrap_or_default());
            devices.entry(resource.clone()).or_default().extend((0..number).map(id));
        }
    }
    Allocation { namespace, pod: name, devices }
}

#[cfg(test)]
mod tests {
    use crate::objects::Key;
    use crate::{Shape, World};
    use serde_json::json;

    #[tokio::test]
    async fn a_kubelet_lists_what_pods_request_and_one_that_is_down_lists_nothing() {
        let world = World::new(Shape::default());
        let node = world.shape.workers[0].clone();
        let devices = world.host(&node).devices;
        assert_eq!(devices.allocations().await, Ok(vec![]));
        let limits = json!({"nvidia.com/gpu": "2", "cpu": "8"});
        world.update(|s| {
            s.api.put(Key::pod("lab", "train-0"), json!({"metadata": {"namespace": "lab", "name": "train-0"},
                "spec": {"nodeName": node, "containers": [{"name": "main", "resources": {"limits": limits}}]}}))
        });
        let listed = devices.allocations().await.unwrap();
        assert_eq!((listed[0].pod.as_str(), listed[0].devices["nvidia.com/gpu"].len()), ("train-0", 2));
        world.update(|s| s.node_mut(&node).kubelet.running = None);
        assert!(devices.allocations().await.is_err());
    }
}
