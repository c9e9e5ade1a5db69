//! The final state as something to compare: two runs that should end alike have equal snapshots. No times, ids or counters.

use super::core::World;
use super::manifests::DIR;
use crate::objects::Key;
use podlift_model::FlagSet;
use podlift_model::op::Component;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    pub nodes: BTreeMap<String, NodeSnapshot>,
    /// etcd endpoints and gates of kubeadm-config.
    pub kubeadm_config: String,
    pub kube_proxy: String,
    pub bcm: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeSnapshot {
    pub packages: BTreeMap<String, String>,
    pub held: Vec<String>,
    pub kubelet: Option<String>,
    pub ready: bool,
    pub unschedulable: bool,
    pub owned: Vec<String>,
    /// Annotations and labels of others.
    pub annotations: BTreeMap<String, Value>,
    pub labels: BTreeMap<String, Value>,
    /// Taints of others, but for the moment at which they were added, and for those that follow the node's state.
    pub taints: Vec<Value>,
    pub apt_source: String,
    /// Flags and image of each manifest, and whether the newest container runs them.
    pub manifests: BTreeMap<String, (FlagSet, String, bool)>,
    pub api_server: bool,
    /// Names beside the three that kubelet would read.
    pub stray: Vec<String>,
}

/// A part of each name that podlift gives.
const OURS: &str = "podlift";

fn foreign(map: &Value) -> BTreeMap<String, Value> {
    let all = map.as_object().into_iter().flatten().filter(|(key, _)| !key.contains(OURS));
    all.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// None: podlift's own, or one that a controller derives from the node's state.
fn foreign_taint(taint: &Value) -> Option<Value> {
    let key = taint["key"].as_str().unwrap_or_default();
    let mut taint =
        (!key.contains(OURS) && !key.starts_with("node.kubernetes.io/")).then(|| taint.clone())?;
    taint.as_object_mut().map(|t| t.remove("timeAdded"));
    Some(taint)
}

impl World {
    pub fn snapshot(&self) -> Snapshot {
        let nodes = self.shape.nodes().map(|n| (n.clone(), self.node_snapshot(n))).collect();
        let s = self.lock();
        let map = s.api.get(&Key::config_map("kubeadm-config"));
        let text =
            map.and_then(|m| m["data"]["ClusterConfiguration"].as_str()).unwrap_or_default().to_string();
        let proxy = s.api.get(&Key::new("apps", "daemonsets", "kube-system", "kube-proxy"));
        let image = proxy.map(|p| p["spec"]["template"]["spec"]["containers"][0]["image"].to_string());
        Snapshot {
            nodes,
            kubeadm_config: text,
            kube_proxy: image.unwrap_or_default(),
            bcm: s.bcm.version.clone(),
        }
    }

    fn node_snapshot(&self, name: &str) -> NodeSnapshot {
        let disk = self.disk(name);
        let files = disk.list(std::path::Path::new(DIR)).unwrap_or_default();
        let ours: Vec<String> = Component::ALL.iter().map(Component::file).collect();
        let manifests = Component::ALL.iter().filter(|c| files.contains(&c.file()));
        let manifests: BTreeMap<_, _> =
            manifests.map(|c| (c.name().to_string(), self.manifest_snapshot(name, *c))).collect();
        let s = self.lock();
        let node = s.node(name);
        let object = s.api.get(&Key::node(name)).cloned().unwrap_or_default();
        let meta = &object["metadata"];
        let marks = meta["annotations"].as_object().into_iter().flatten().map(|(key, _)| key.clone());
        let all = || object["spec"]["taints"].as_array().into_iter().flatten();
        let keys = all().filter_map(|t| t["key"].as_str().map(String::from));
        NodeSnapshot {
            packages: node.packages.iter().map(|(n, p)| (n.clone(), p.version.clone())).collect(),
            held: node.packages.iter().filter(|(_, p)| p.held).map(|(n, _)| n.clone()).collect(),
            kubelet: object["status"]["nodeInfo"]["kubeletVersion"].as_str().map(ToString::to_string),
            ready: node.kubelet.ready,
            unschedulable: object["spec"]["unschedulable"] == true,
            owned: marks.chain(keys).filter(|k| k.contains(OURS)).collect(),
            annotations: foreign(&meta["annotations"]),
            labels: foreign(&meta["labels"]),
            taints: all().filter_map(foreign_taint).collect(),
            apt_source: disk.text("/etc/apt/sources.list.d/kubernetes.list"),
            manifests,
            api_server: s.front_up(name),
            stray: files.into_iter().filter(|f| !f.starts_with('.') && !ours.contains(f)).collect(),
        }
    }

    fn manifest_snapshot(&self, node: &str, component: Component) -> (FlagSet, String, bool) {
        let text = self.disk(node).text(&format!("{DIR}/{}", component.file()));
        let pod: Value = serde_saphyr::from_str(&text).unwrap_or_default();
        let container = &pod["spec"]["containers"][0];
        let words = container["command"].as_array().cloned().unwrap_or_default();
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let image = container["image"].as_str().unwrap_or_default().to_string();
        let runs = self.lock().node(node).container(component.name()).is_some_and(|c| {
            c.running() && c.image == image && c.args.iter().map(String::as_str).eq(words.iter().copied())
        });
        (FlagSet::parse(words), image, runs)
    }
}
