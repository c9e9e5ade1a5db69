//! Places on a node that people have to know. The agent's own list is `podlift_agent_host::paths`; a test of the suites compares both.

pub const APT_SOURCE: &str = "/etc/apt/sources.list.d/kubernetes.list";
pub const APT_ARCHIVES: &str = "/var/cache/apt/archives";
pub const PATCHES: &str = "/var/lib/podlift/patches";
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
pub const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";
