//! Tigera's operator beside the Calico that BCM has applied: while it runs, it takes away what is not its own.

use super::super::core::World;
use super::deployed::{Deployed, deployment, namespace};
use super::objects::{self, definitions};
use crate::objects::Key;

/// Namespace and name of the operator.
pub const OPERATOR: &str = "tigera-operator";

impl World {
    /// Somebody installs the operator and its custom resources. Calico's controllers begin to come and go.
    pub fn install_tigera(&self) {
        let now = self.clock.now();
        self.update(|s| {
            definitions(&mut s.api, now);
            objects::installation(&mut s.api, now);
            namespace(&mut s.api, OPERATOR, now);
            let image = "quay.io/tigera/operator:v1.38.6";
            let deployed = Deployed { image, label: "k8s-app", ..Deployed::new(OPERATOR, OPERATOR) };
            deployment(&mut s.api, &self.shape, &deployed, now);
        });
    }

    /// Whether the operator is there.
    pub fn has_tigera(&self) -> bool {
        self.lock().api.get(&Key::new("apps", "deployments", OPERATOR, OPERATOR)).is_some()
    }
}
