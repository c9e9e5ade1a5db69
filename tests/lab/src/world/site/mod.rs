//! What a site has beside Kubernetes' own: certificates, containerd, the package system's habits, Calico's operator, an ingress. A survey
//! looks at these; the run itself touches none of them.

mod deployed;
mod files;
mod objects;
pub mod runbook;
mod tigera;

pub use files::{CONTAINERD, CONTAINERD_CONFIG, containerd_config, disk};
pub use objects::{Custom, DOMAIN, INGRESS_PORT, definition, ingress, object, objects};
pub use tigera::OPERATOR as TIGERA_OPERATOR;
