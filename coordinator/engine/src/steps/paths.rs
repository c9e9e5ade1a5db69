//! Places on a node that people have to know, as the agent uses them (`podlift_host::paths`).

pub const APT_SOURCE: &str = "/etc/apt/sources.list.d/kubernetes.list";
pub const APT_ARCHIVES: &str = "/var/cache/apt/archives";
pub const PATCHES: &str = "/var/lib/podlift/patches";
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
pub const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";
