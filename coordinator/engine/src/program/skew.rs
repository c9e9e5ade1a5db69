//! How many minors of Kubernetes may be in the cluster at once: a rule of the site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Skew {
    /// Two adjacent minors, as BCM's manual has it.
    Adjacent,
    /// Kubelets up to three minors behind the API servers, as Kubernetes has it.
    #[default]
    Upstream,
}

impl Skew {
    /// Minors by which a kubelet may be behind the API servers.
    pub fn minors(self) -> u16 {
        match self {
            Skew::Adjacent => 1,
            Skew::Upstream => 3,
        }
    }

    pub(crate) fn is_upstream(&self) -> bool {
        *self == Skew::Upstream
    }
}
