//! `crictl pods`: sandboxes of pods. Labels and annotations are the pod's own, which the kubelet passes on.

use super::{nanoseconds, unreadable};
use crate::must;
use jiff::Timestamp;
use podlift_host::{Host, Invocation};
use podlift_model::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;

const HASH: &str = "kubernetes.io/config.hash";
const SOURCE: &str = "kubernetes.io/config.source";
/// A label that only the controller of DaemonSets gives to pods (`pkg/controller/daemon/util`).
const DAEMON_SET: &str = "pod-template-generation";

/// A pod's sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub id: String,
    pub namespace: String,
    pub name: String,
    /// Of the pod; a static pod has the hash of its file.
    pub uid: String,
    pub created: Timestamp,
    /// The sandbox runs. That of a pod that has ended does not, and stays until the pod is deleted.
    pub ready: bool,
    /// A DaemonSet made the pod.
    pub daemon_set: bool,
    /// The kubelet made the pod from a file of its manifest folder.
    pub from_file: bool,
    /// The kubelet's hash of that file.
    pub config_hash: Option<String>,
    /// The manifest's label `component`.
    pub component: Option<String>,
    /// The pod's annotations when it started, with those of the kubelet. Later changes of the pod don't reach the runtime.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    items: Option<Vec<Listed>>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    state: String,
    #[serde(default, rename = "createdAt")]
    created_at: serde_json::Value,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    uid: String,
}

/// Sandboxes in every state, newest first.
pub async fn sandboxes(host: &Host) -> Result<Vec<Sandbox>, Failure> {
    all(&must(host, &Invocation::new("crictl", ["pods", "-o", "json"])).await?)
}

/// Ready sandboxes, newest first.
pub async fn ready(host: &Host) -> Result<Vec<Sandbox>, Failure> {
    parse(&must(host, &Invocation::new("crictl", ["pods", "--state", "ready", "-o", "json"])).await?)
}

pub(super) fn parse(text: &str) -> Result<Vec<Sandbox>, Failure> {
    Ok(all(text)?.into_iter().filter(|sandbox| sandbox.ready).collect())
}

fn all(text: &str) -> Result<Vec<Sandbox>, Failure> {
    let list: List = serde_json::from_str(text).map_err(unreadable)?;
    let all = list.items.unwrap_or_default().into_iter();
    let mut all = all.map(sandbox).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|s| std::cmp::Reverse(s.created));
    Ok(all)
}

fn sandbox(listed: Listed) -> Result<Sandbox, Failure> {
    let created = nanoseconds(&listed.created_at).and_then(|ns| Timestamp::from_nanosecond(ns).ok());
    let created = created.ok_or_else(|| {
        unreadable(format!("createdAt of pod {} is {}, expected nanoseconds", listed.id, listed.created_at))
    })?;
    let annotations = listed.annotations.unwrap_or_default();
    let mut labels = listed.labels.unwrap_or_default();
    Ok(Sandbox {
        id: listed.id,
        namespace: listed.metadata.namespace,
        name: listed.metadata.name,
        uid: listed.metadata.uid,
        created,
        ready: listed.state == "SANDBOX_READY",
        daemon_set: labels.contains_key(DAEMON_SET),
        from_file: annotations.get(SOURCE).is_some_and(|s| s == "file"),
        config_hash: annotations.get(HASH).filter(|h| !h.is_empty()).cloned(),
        component: labels.remove("component"),
        annotations,
    })
}
