//! Values that are recorded before the run and compared with those after it: served certificates, addresses of load balancers and what
//! assigned them, hardware, Calico's state.

use crate::survey::{BcmApplication, Hardware, LoadBalancerView, ServedCertificate, TigeraStatus};
use podlift_model::NodeName;
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
