//! The rights that the coordinator needs in the Kubernetes API, with their purpose. deploy/kubernetes/rbac.yaml grants exactly these; a test
//! compares both. A plan asks for each of them before anything is changed.

/// A right of the coordinator's user.
#[derive(Debug, Clone, Copy)]
pub struct Right {
    pub verbs: &'static [&'static str],
    pub what: What,
    /// `None` for the whole cluster.
    pub namespace: Option<&'static str>,
    pub need: Need,
    pub needed_for: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it no run starts.
    Required,
    /// Without it a run is made with less knowledge, and the plan says so.
    Useful,
    /// A site may withhold it.
    Free,
}

#[derive(Debug, Clone, Copy)]
pub enum What {
    /// `group` is empty for the core group. With `names` the right covers only objects of these names.
    Resource { group: &'static str, resource: &'static str, names: &'static [&'static str] },
    /// A path that is no resource.
    Path(&'static str),
}

const fn all(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    needed_for: &'static str,
) -> Right {
    let what = What::Resource { group, resource, names: &[] };
    Right { verbs, what, namespace: None, need: Need::Required, needed_for }
}

const fn system(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    names: &'static [&'static str],
    needed_for: &'static str,
) -> Right {
    let what = What::Resource { group, resource, names };
    Right { verbs, what, namespace: Some("kube-system"), need: Need::Required, needed_for }
}

const fn path(path: &'static str, needed_for: &'static str) -> Right {
    Right { verbs: &["get"], what: What::Path(path), namespace: None, need: Need::Required, needed_for }
}

const LIST: &[&str] = &["list"];
const GET: &[&str] = &["get"];
const SURVEY: &str = "the comparison of the cluster before and after a run";
const BACKUP: &str = "the backup";
const WORKLOADS: &str = "the backup of Run:ai's workloads";
const GANGS: &str = "knowing how many of its pods a gang needs";

/// A right about the objects of a scheduler that most clusters do not have.
const fn useful(group: &'static str, resource: &'static str) -> Right {
    Right { need: Need::Useful, ..all(LIST, group, resource, GANGS) }
}

const VALIDATION: &str = "the validation of the cluster";
const CONTROLLERS: &str = "finding the default certificate of ingresses";
const RESTARTS: &str = "restarting the pods of Run:ai after its certificate is back";
const MENDS: &str = "making lost LoadBalancer services and TLS secrets again";
const OPERATOR: &str = "removing Tigera's operator beside BCM's Calico, after approval";

/// A right for what is looked at after an upgrade.
const fn seen(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    needed_for: &'static str,
) -> Right {
    Right { need: Need::Useful, ..all(verbs, group, resource, needed_for) }
}

const fn free(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    needed_for: &'static str,
) -> Right {
    Right { need: Need::Free, ..all(verbs, group, resource, needed_for) }
}

/// An object of a validation, in a namespace of its own.
const fn test_object(verbs: &'static [&'static str], resource: &'static str) -> Right {
    let what = What::Resource { group: "", resource, names: &[] };
    Right { verbs, what, namespace: Some("podlift"), need: Need::Useful, needed_for: VALIDATION }
}

pub const RIGHTS: &[Right] = &[
    all(&["get", "list", "patch"], "", "nodes", "looking at nodes, cordoning them, and their soft taint"),
    all(LIST, "", "pods", "drains, the plan's list of affected pods, and the choice of batches"),
    all(GET, "", "pods", "drains: whether an evicted pod is gone"),
    all(&["create"], "", "pods/eviction", "drains"),
    all(GET, "apps", "daemonsets", "drains: whether the DaemonSet of a pod exists"),
    all(LIST, "policy", "poddisruptionbudgets", "drains: which budget blocks an eviction"),
    // Without these rights nodes and pods are listed each time, and pods can't be deleted past their budgets.
    Right {
        need: Need::Free,
        ..all(&["watch"], "", "nodes", "one watch of all nodes instead of many lists")
    },
    Right { need: Need::Free, ..all(&["watch"], "", "pods", "one watch of all pods instead of many lists") },
    Right { need: Need::Free, ..all(&["delete"], "", "pods", "drains with --disable-eviction") },
    Right {
        need: Need::Free,
        ..all(&["create"], "", "events", "telling people that their workspace will be evicted")
    },
    all(LIST, "", "services", SURVEY),
    all(LIST, "networking.k8s.io", "ingresses", SURVEY),
    all(LIST, "node.k8s.io", "runtimeclasses", SURVEY),
    all(LIST, "operator.tigera.io", "tigerastatuses", SURVEY),
    all(
        LIST,
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "finding objects that the target can't read",
    ),
    all(LIST, "coordination.k8s.io", "leasecandidates", "finding objects that the target can't read"),
    all(LIST, "resource.k8s.io", "podschedulingcontexts", "finding objects that the target can't read"),
    path("/metrics", "finding clients of APIs that the target has lost"),
    path("/version", "finding objects that the target can't read"),
    path("/readyz", "probing API servers"),
    all(LIST, "operator.tigera.io", "installations", BACKUP),
    all(LIST, "apps", "deployments", WORKLOADS),
    all(LIST, "apps", "statefulsets", WORKLOADS),
    all(LIST, "apps", "daemonsets", WORKLOADS),
    all(LIST, "batch", "jobs", WORKLOADS),
    all(LIST, "batch", "cronjobs", WORKLOADS),
    all(LIST, "run.ai", "*", WORKLOADS),
    all(LIST, "engine.run.ai", "*", WORKLOADS),
    all(LIST, "scheduling.run.ai", "*", WORKLOADS),
    all(LIST, "kubeflow.org", "*", WORKLOADS),
    all(LIST, "ray.io", "*", WORKLOADS),
    all(LIST, "jobset.x-k8s.io", "*", WORKLOADS),
    all(LIST, "leaderworkerset.x-k8s.io", "*", WORKLOADS),
    all(LIST, "serving.knative.dev", "*", WORKLOADS),
    // PodGroups of KAI and Run:ai are among those of scheduling.run.ai above.
    useful("scheduling.volcano.sh", "podgroups"),
    useful("scheduling.x-k8s.io", "podgroups"),
    useful("kueue.x-k8s.io", "workloads"),
    // A site may bind this right in the namespaces of its ingresses alone (docs/backup.md).
    Right { need: Need::Free, ..all(GET, "", "secrets", "the backup of the ingresses' TLS secrets") },
    // Without these the sentinel does not notice a lost service, and a validation leaves checks open.
    seen(&["watch"], "", "services", "noticing that a LoadBalancer service is gone"),
    seen(LIST, "", "events", VALIDATION),
    seen(LIST, "storage.k8s.io", "storageclasses", VALIDATION),
    seen(LIST, "admissionregistration.k8s.io", "mutatingwebhookconfigurations", VALIDATION),
    seen(LIST, "admissionregistration.k8s.io", "validatingwebhookconfigurations", VALIDATION),
    seen(LIST, "discovery.k8s.io", "endpointslices", VALIDATION),
    seen(LIST, "traefik.io", "tlsstores", CONTROLLERS),
    seen(LIST, "gateway.networking.k8s.io", "gateways", CONTROLLERS),
    seen(GET, "apps", "deployments", RESTARTS),
    seen(GET, "apps", "statefulsets", RESTARTS),
    seen(GET, "", "services", "comparing a service with its copy"),
    // podlift-coordinator-repair: a site that repairs by hand binds none of it.
    free(&["create"], "", "services", MENDS),
    free(&["create", "list", "watch"], "", "secrets", MENDS),
    free(&["patch"], "apps", "deployments", RESTARTS),
    free(&["patch"], "apps", "statefulsets", RESTARTS),
    free(&["patch"], "apps", "daemonsets", RESTARTS),
    free(&["delete", "patch"], "operator.tigera.io", "installations", OPERATOR),
    Right {
        what: What::Resource { group: "apps", resource: "deployments", names: &["tigera-operator"] },
        ..free(&["delete"], "apps", "deployments", OPERATOR)
    },
    test_object(&["create", "delete", "get", "list"], "pods"),
    test_object(&["create", "delete", "get", "list"], "persistentvolumeclaims"),
    Right {
        need: Need::Useful,
        ..system(&["watch"], "", "configmaps", &["kubeadm-config"], "probing each API server by a watch")
    },
    system(
        &["get", "patch"],
        "",
        "configmaps",
        &["kubeadm-config"],
        "reading and repairing what kubeadm writes from",
    ),
    system(
        &["get", "patch"],
        "",
        "configmaps",
        &["kubelet-config"],
        "reading and repairing what kubeadm writes from",
    ),
    system(GET, "", "configmaps", &["kube-proxy"], "finding the addons that kubeadm upgrades"),
    system(GET, "", "configmaps", &["coredns"], "finding the addons that kubeadm upgrades"),
    system(GET, "apps", "deployments", &["coredns"], "checking the CoreDNS that kubeadm would migrate"),
    Right {
        verbs: GET,
        what: What::Resource { group: "coordination.k8s.io", resource: "leases", names: &[] },
        namespace: Some("kube-node-lease"),
        need: Need::Required,
        needed_for: "refusing a second machine under the name of a live node",
    },
];

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
