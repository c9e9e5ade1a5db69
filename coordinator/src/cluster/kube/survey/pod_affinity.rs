//! Required affinity and anti-affinity between pods, as the API sends them. Preferred terms exclude no node, and are not read.

use super::label_selector::{LabelSelector, selector};
use crate::cluster::kube::pages::or_default;
use podlift_engine::placement::PodTerm;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cluster::kube) struct PodAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution", deserialize_with = "or_default")]
    required: Vec<Raw>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    label_selector: Option<LabelSelector>,
    #[serde(deserialize_with = "or_default")]
    namespaces: Vec<String>,
    /// Which namespaces it means depends on their labels, which podlift does not read.
    namespace_selector: Option<IgnoredAny>,
    topology_key: String,
}

impl PodAffinity {
    /// Its required terms. One that chooses its namespaces by their labels is left out, so that it keeps no pod away.
    pub fn terms(self) -> Vec<PodTerm> {
        let known = self.required.into_iter().filter(|raw| raw.namespace_selector.is_none());
        let term = |raw: Raw| PodTerm {
            selector: selector(raw.label_selector),
            namespaces: raw.namespaces,
            topology_key: raw.topology_key,
        };
        known.map(term).collect()
    }
}
