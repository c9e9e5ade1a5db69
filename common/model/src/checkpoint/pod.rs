//! The name of a pod that stays the same as long as the pod lives.

use crate::ids::{Namespace, PodName, PodUid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One pod. Another pod that later gets the same name has another uid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PodRef {
    pub namespace: Namespace,
    pub name: PodName,
    pub uid: PodUid,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
