//! The resources that the double serves.

pub struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub resource: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
}

const fn row(group: &'static str, resource: &'static str, kind: &'static str, namespaced: bool) -> Kind {
    Kind { group, version: "v1", resource, kind, namespaced }
}

pub const ALL: &[Kind] = &[
    row("", "nodes", "Node", false),
    row("", "namespaces", "Namespace", false),
    row("", "pods", "Pod", true),
    row("", "configmaps", "ConfigMap", true),
    row("", "secrets", "Secret", true),
    row("", "services", "Service", true),
    row("", "events", "Event", true),
    row("apps", "daemonsets", "DaemonSet", true),
    row("apps", "deployments", "Deployment", true),
    row("apps", "replicasets", "ReplicaSet", true),
    row("apps", "statefulsets", "StatefulSet", true),
    row("batch", "jobs", "Job", true),
    row("policy", "poddisruptionbudgets", "PodDisruptionBudget", true),
    row("coordination.k8s.io", "leases", "Lease", true),
];

pub fn find(group: &str, version: &str, resource: &str) -> Option<&'static Kind> {
    ALL.iter().find(|k| k.group == group && k.version == version && k.resource == resource)
}

impl Kind {
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.into(),
            group => format!("{group}/{}", self.version),
        }
    }
}
