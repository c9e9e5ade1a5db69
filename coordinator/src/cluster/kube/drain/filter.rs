//! Which pods of a node are evicted, left, or prevent the drain: kubectl 1.32's filters in its order (kubectl `pkg/drain/filters.go`).

use super::super::api::Api;
use podlift_model::{Failure, NodeName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pod {
    pub namespace: String,
    pub pod: String,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    /// The pod is being deleted already.
    pub deleting: bool,
}

impl Pod {
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod)
    }
    pub fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.pod)
    }
}

#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub evict: Vec<Pod>,
    /// Refusals in the words of drain: `cannot delete MESSAGE: ns/a, ns/b`.
    pub refused: Vec<String>,
    /// Notes for people on pods that are evicted.
    pub notes: Vec<String>,
}

enum Verdict {
    Evict,
    /// The pod is evicted, and its emptyDir is lost.
    EvictWithData,
    Leave,
    Refuse(&'static str),
}

const NO_CONTROLLER: &str = "Pods that declare no controller (they would not be created again)";
const ORPHAN: &str = "Pods whose DaemonSet is gone";

pub(super) async fn sort(api: &Api, node: &NodeName) -> Result<Sorted, Failure> {
    let selector = format!("spec.nodeName={node}");
    let pods = api.list("/api/v1/pods", &[("fieldSelector", &selector)]).await?;
    let missing = missing_sets(api, &pods).await?;
    let mut out = Sorted::default();
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut data = Vec::new();
    for value in &pods {
        let pod = read(value);
        match verdict(value, &missing) {
            Verdict::Leave => continue,
            Verdict::Refuse(why) => {
                refused.entry(why).or_default().push(pod.name());
                continue;
            }
            Verdict::EvictWithData => data.push(pod.name()),
            Verdict::Evict => {}
        }
        out.evict.push(pod);
    }
    out.refused =
        refused.iter().map(|(why, pods)| format!("cannot delete {why}: {}", pods.join(", "))).collect();
    if !data.is_empty() {
        out.notes.push(format!("emptyDir data deleted of {}", data.join(", ")));
    }
    Ok(out)
}

fn verdict(pod: &Value, missing: &BTreeSet<(String, String)>) -> Verdict {
    let controller = controller(pod);
    if let Some(set) = daemon_set(pod)
        && !finished(pod)
    {
        return if missing.contains(&set) { Verdict::Refuse(ORPHAN) } else { Verdict::Leave };
    }
    if pod["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some() {
        return Verdict::Leave;
    }
    let volumes = pod["spec"]["volumes"].as_array();
    let data = !finished(pod) && volumes.into_iter().flatten().any(|v| v.get("emptyDir").is_some());
    match (finished(pod) || controller.is_some(), data) {
        (false, _) => Verdict::Refuse(NO_CONTROLLER),
        (true, true) => Verdict::EvictWithData,
        (true, false) => Verdict::Evict,
    }
}

fn finished(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

fn controller(pod: &Value) -> Option<&Value> {
    let owners = pod["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|o| o["controller"] == true)
}

/// (namespace, name) of the DaemonSet that owns the pod. As in kubectl, the API group is ignored.
fn daemon_set(pod: &Value) -> Option<(String, String)> {
    let owner = controller(pod).filter(|o| o["kind"] == "DaemonSet")?;
    let namespace = pod["metadata"]["namespace"].as_str()?;
    Some((namespace.into(), owner["name"].as_str()?.into()))
}

/// DaemonSets that pods name and that do not exist. Each is asked for once.
async fn missing_sets(api: &Api, pods: &[Value]) -> Result<BTreeSet<(String, String)>, Failure> {
    let named: BTreeSet<(String, String)> =
        pods.iter().filter(|p| !finished(p)).filter_map(daemon_set).collect();
    let mut missing = BTreeSet::new();
    for (namespace, name) in named {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}");
        if api.find(&path).await?.is_none() {
            missing.insert((namespace, name));
        }
    }
    Ok(missing)
}

fn read(pod: &Value) -> Pod {
    let meta = &pod["metadata"];
    let text = |key: &str| meta[key].as_str().unwrap_or_default().to_string();
    let labels = meta["labels"].as_object().into_iter().flatten();
    Pod {
        namespace: text("namespace"),
        pod: text("name"),
        uid: text("uid"),
        labels: labels.map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().into())).collect(),
        deleting: meta.get("deletionTimestamp").is_some(),
    }
}
