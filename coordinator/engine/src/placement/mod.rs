//! Where pods may run: what kube-scheduler's filters NodeAffinity, TaintToleration, NodeUnschedulable, InterPodAffinity and NodeResourcesFit
//! decide, the last one for extended resources only. Volumes and topology spread are not looked at, so a pod that finds a place here may wait
//! all the same.

mod affinity;
mod pods;
mod room;
mod taints;

pub use affinity::{Expression, Term};
pub use pods::{PodTerm, Standing};
pub use room::{Lack, Place, place};
pub use taints::{Taint, Toleration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the spec of a pod says of the nodes on which it may run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Wish {
    /// `spec.nodeSelector`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`, of which one must match. Empty if
    /// nothing is required.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// `spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution`: all of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affinity: Vec<PodTerm>,
    /// `spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution`: none of them may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anti_affinity: Vec<PodTerm>,
}

impl Wish {
    /// Whether the scheduler would let the pod on a node with this name, these labels and these taints.
    pub fn allows(&self, name: &str, labels: &BTreeMap<String, String>, taints: &[Taint]) -> bool {
        let selected = self.selector.iter().all(|(key, value)| labels.get(key) == Some(value));
        let wanted = self.terms.is_empty() || self.terms.iter().any(|term| term.matches(name, labels));
        selected && wanted && taints.iter().all(|taint| taint.is_tolerated(&self.tolerations))
    }
}
