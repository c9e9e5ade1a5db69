//! A Pod as the API sends it, reduced to the fields that podlift reads. A page is read directly into this form, because a real Pod is ten
//! times as large.

use super::meta::{Condition, Meta};
use super::pod_affinity::PodAffinity;
use crate::cluster::kube::pages::or_default;
use jiff::Timestamp;
use podlift_engine::placement::{PodTerm, Term, Toleration};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Annotation of a static pod's copy in the API.
pub(in crate::cluster::kube) const MIRROR: &str = "kubernetes.io/config.mirror";
/// The taint that a cordon sets.
pub(in crate::cluster::kube) const CORDON_TAINT: &str = "node.kubernetes.io/unschedulable";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct Raw {
    #[serde(deserialize_with = "or_default")]
    pub metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    pub spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Spec {
    pub node_name: Option<String>,
    pub scheduler_name: Option<String>,
    pub priority_class_name: Option<String>,
    pub priority: Option<i64>,
    pub runtime_class_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub resource_claims: Vec<IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    pub volumes: Vec<Volume>,
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub tolerations: Vec<Toleration>,
    #[serde(deserialize_with = "or_default")]
    pub node_selector: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub affinity: Affinity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Affinity {
    #[serde(deserialize_with = "or_default")]
    node_affinity: NodeAffinity,
    #[serde(deserialize_with = "or_default")]
    pod_affinity: PodAffinity,
    #[serde(deserialize_with = "or_default")]
    pod_anti_affinity: PodAffinity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution", deserialize_with = "or_default")]
    required: NodeSelector,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeSelector {
    #[serde(deserialize_with = "or_default")]
    node_selector_terms: Vec<Term>,
}

impl Affinity {
    /// What is required of a node, of which one term must match, of the pods beside, and of pods that may not be there.
    pub fn required(self) -> (Vec<Term>, Vec<PodTerm>, Vec<PodTerm>) {
        let nodes = self.node_affinity.required.node_selector_terms;
        (nodes, self.pod_affinity.terms(), self.pod_anti_affinity.terms())
    }
}

/// Whether the toleration lets a pod on a cordoned node.
pub(in crate::cluster::kube) fn covers_cordon(toleration: &Toleration) -> bool {
    let key = match toleration.key.as_str() {
        "" => toleration.operator == "Exists",
        key => key == CORDON_TAINT,
    };
    key && matches!(toleration.effect.as_str(), "" | "NoSchedule")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Volume {
    pub name: String,
    pub empty_dir: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Container {
    pub image: Option<String>,
    /// `Always` makes a sidecar of an init container.
    pub restart_policy: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub resources: Resources,
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<Variable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct Variable {
    pub name: String,
    /// `None` if the value comes from elsewhere.
    pub value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct Resources {
    #[serde(deserialize_with = "or_default")]
    pub limits: BTreeMap<String, Quantity>,
}

/// A quantity, as text or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::cluster::kube) enum Quantity {
    Number(u64),
    Text(String),
    Other(IgnoredAny),
}

impl Quantity {
    /// As a whole number; `None` if it is none. Extended resources are whole, and large ones may be written as `1k`.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => match text.strip_suffix('k') {
                Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1000),
                None => text.parse().ok(),
            },
            Self::Other(_) => None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Status {
    pub phase: String,
    pub start_time: Option<Timestamp>,
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct ContainerStatus {
    pub restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    pub state: State,
    #[serde(deserialize_with = "or_default")]
    pub last_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct State {
    pub waiting: Option<Waiting>,
    pub terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct Waiting {
    pub reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster::kube) struct Terminated {
    pub exit_code: i32,
    pub reason: String,
}

impl Raw {
    /// Succeeded or failed.
    pub fn is_finished(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Its condition Ready holds.
    pub fn is_ready(&self) -> bool {
        self.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True")
    }
}
