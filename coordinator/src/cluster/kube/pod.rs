//! Pods, reduced to the fields that a drain needs. A real Pod is ten kilobytes, and a large cluster has tens of thousands.

use super::cache::Kept;
use super::pages::or_default;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The taint that a cordon sets.
const CORDON_TAINT: &str = "node.kubernetes.io/unschedulable";

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Raw")]
pub(super) struct Pod {
    pub namespace: String,
    pub pod: String,
    pub uid: String,
    /// resourceVersion.
    pub version: String,
    /// Empty if no node runs it yet.
    pub node: String,
    pub labels: BTreeMap<String, String>,
    pub created: Option<Timestamp>,
    /// The pod is being deleted; the time at which its grace period ends.
    pub deleting: Option<Timestamp>,
    /// Grace period of that deletion, seconds.
    pub grace: i64,
    pub finalizers: Vec<String>,
    pub controller: Option<Controller>,
    /// Succeeded or failed.
    pub finished: bool,
    /// Its condition Ready holds.
    pub ready: bool,
    /// A static pod's copy in the API.
    pub mirror: bool,
    /// It has an emptyDir.
    pub data: bool,
    /// It may be placed on a cordoned node.
    pub tolerates_cordon: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Controller {
    pub kind: String,
    pub name: String,
}

impl Pod {
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod)
    }

    pub fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.pod)
    }

    /// When its deletion was requested; `None` if it is not being deleted.
    pub fn deleted_since(&self) -> Option<Timestamp> {
        Some(self.deleting? - jiff::SignedDuration::from_secs(self.grace.max(0)))
    }
}

impl Kept for Pod {
    const PATH: &'static str = "/api/v1/pods";
    const KIND: &'static str = "pods";
    fn key(&self) -> String {
        self.name()
    }
    fn group(&self) -> &str {
        &self.node
    }
    fn version(&self) -> &str {
        &self.version
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    name: String,
    namespace: String,
    uid: String,
    resource_version: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    annotations: Annotations,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
    deletion_grace_period_seconds: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    finalizers: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<Reference>,
}

/// Only the one annotation that decides something. Its value is not needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotations {
    #[serde(rename = "kubernetes.io/config.mirror")]
    mirror: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: String,
    name: String,
    controller: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "or_default")]
    tolerations: Vec<Toleration>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume {
    empty_dir: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Toleration {
    key: Option<String>,
    operator: Option<String>,
    effect: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: Option<String>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl Toleration {
    fn covers_cordon(&self) -> bool {
        let key = match self.key.as_deref().unwrap_or_default() {
            "" => self.operator.as_deref() == Some("Exists"),
            key => key == CORDON_TAINT,
        };
        key && matches!(self.effect.as_deref().unwrap_or_default(), "" | "NoSchedule")
    }
}

impl From<Raw> for Pod {
    fn from(raw: Raw) -> Self {
        let Raw { metadata: meta, spec, status } = raw;
        let controller = meta.owner_references.into_iter().find(|r| r.controller == Some(true));
        Self {
            namespace: meta.namespace,
            pod: meta.name,
            uid: meta.uid,
            version: meta.resource_version,
            node: spec.node_name.unwrap_or_default(),
            labels: meta.labels,
            created: meta.creation_timestamp,
            deleting: meta.deletion_timestamp,
            grace: meta.deletion_grace_period_seconds.unwrap_or_default(),
            finalizers: meta.finalizers,
            controller: controller.map(|r| Controller { kind: r.kind, name: r.name }),
            ready: status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True"),
            finished: matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            mirror: meta.annotations.mirror.is_some(),
            data: spec.volumes.iter().any(|v| v.empty_dir.is_some()),
            tolerates_cordon: spec.tolerations.iter().any(Toleration::covers_cordon),
        }
    }
}
