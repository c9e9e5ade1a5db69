//! What a site has beside Kubernetes' own: certificates, containerd, the package system's habits, Calico's operator, an ingress. A survey
//! looks at these; the run itself touches none of them.

mod files;
mod objects;

pub use files::{CONTAINERD, CONTAINERD_CONFIG, containerd_config, disk};
pub use objects::{Custom, INGRESS_PORT, definition, ingress, object, objects};
