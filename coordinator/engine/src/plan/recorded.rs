//! What is seen before the run and compared with what is seen after it: certificates that are served, addresses of load balancers and who
//! gave them, hardware, Calico's state. Pure: two looks in, differences out.

use super::PlanInput;
use crate::survey::{
    BcmApplication, ClusterSurvey, Hardware, LoadBalancerView, ServedCertificate, TigeraStatus,
};
use podlift_model::NodeName;
use podlift_model::survey::NodeSurvey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recorded {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<ServedCertificate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancerView>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hardware: BTreeMap<NodeName, Hardware>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runtime_classes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tigera: Vec<TigeraStatus>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<BcmApplication>,
    /// Node to mount point to source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mounts: BTreeMap<NodeName, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub infiniband: BTreeMap<NodeName, Vec<String>>,
}

impl Recorded {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Of what could be seen; what could not is a finding of its own and is not recorded as absent.
pub(super) fn record(input: &PlanInput) -> Recorded {
    let surveys = || input.surveys.iter().filter_map(|(n, s)| Some((n, s.as_ref().ok()?)));
    record_of(input.cluster_survey.as_ref().ok(), surveys())
}

/// The same of looks that were made later.
pub fn record_of<'a>(
    cluster: Option<&ClusterSurvey>,
    nodes: impl Iterator<Item = (&'a NodeName, &'a NodeSurvey)>,
) -> Recorded {
    let mut out = cluster.map(of_cluster).unwrap_or_default();
    for (name, survey) in nodes {
        if !survey.mounts.is_empty() {
            out.mounts.insert(name.clone(), survey.mounts.clone());
        }
        if !survey.infiniband.is_empty() {
            out.infiniband.insert(name.clone(), survey.infiniband.clone());
        }
    }
    out
}

fn of_cluster(seen: &ClusterSurvey) -> Recorded {
    Recorded {
        served: seen.served.clone(),
        load_balancers: seen.load_balancers.clone().unwrap_or_default(),
        hardware: seen.hardware.clone().unwrap_or_default(),
        runtime_classes: seen.runtime_classes.clone().unwrap_or_default(),
        tigera: seen.tigera.clone().unwrap_or_default(),
        applications: seen.applications.clone().unwrap_or_default().unwrap_or_default(),
        ..Recorded::default()
    }
}
