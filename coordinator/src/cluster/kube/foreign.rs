//! Marks of other programs that cordon and uncordon nodes, and whatever else owns the cordon according to the API. podlift touches none of
//! them; a plan names them, so that two programs don't work on one node.
//!
//! Some programs have no row, because nothing on the Node says that they work on it now:
//! - BCM's own drain sets `unschedulable` and no mark of its own. Its field manager is `cmd`, BCM's daemon, and tells it (`cordoned_by`).
//! - kured keeps its lock, `weave.works/kured-node-lock`, on its DaemonSet. Without `--annotate-nodes` its cordon has the field manager
//!   `kured`, and tells it in the same way.
//! - node-problem-detector sets conditions and works on no node. The programs that act on these conditions have rows.
//! - medik8s' node-healthcheck creates an object for a remediation operator, and these set taints.

use podlift_engine::doors::ForeignMark;
use serde_json::Value;

/// Where a mark is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Annotation,
    Label,
    Taint,
}

struct Mark {
    by: &'static str,
    place: Place,
    key: &'static str,
    /// Values that say that the program works on the node. Empty: every value does.
    values: &'static [&'static str],
}

const fn mark(by: &'static str, place: Place, key: &'static str) -> Mark {
    Mark { by, place, key, values: &[] }
}

const fn state(by: &'static str, place: Place, key: &'static str, values: &'static [&'static str]) -> Mark {
    Mark { by, place, key, values }
}

/// Marks of a program that works on the node now. A mark which only says that the program knows the node, that it may come to it, or that it
/// is over is not among them.
const MARKS: &[Mark] = &[
    // kubereboot/kured, cmd/kured/main.go, `KuredRebootInProgressAnnotation`: with --annotate-nodes, from before the drain until after the
    // reboot.
    mark("kured", Place::Annotation, "weave.works/kured-reboot-in-progress"),
    // NVIDIA/NVSentinel, fault-quarantine/pkg/common, and docs.nvidia.com/nvsentinel, Fault Quarantine: while it holds the node's cordon.
    mark("NVSentinel", Place::Annotation, "quarantineHealthEvent"),
    mark("NVSentinel", Place::Label, "k8saas.nvidia.com/cordon-by"),
    // NVIDIA/NVSentinel, commons/pkg/statemanager: the states in which it goes on by itself. After `drain-failed`, `remediation-succeeded`
    // and `remediation-failed` it does not.
    state(
        "NVSentinel",
        Place::Label,
        "dgxc.nvidia.com/nvsentinel-state",
        &["quarantined", "draining", "drain-succeeded", "remediating"],
    ),
    // NVIDIA/k8s-operator-libs, pkg/upgrade/consts.go: the driver upgrades of the GPU operator and of the network operator. Not
    // `upgrade-required`, which waits for its turn, nor `upgrade-done` and `upgrade-failed`.
    state("GPU operator", Place::Label, "nvidia.com/gpu-driver-upgrade-state", DRIVER_UPGRADE),
    state("network operator", Place::Label, "nvidia.com/ofed-driver-upgrade-state", DRIVER_UPGRADE),
    // medik8s/node-maintenance-operator, pkg/utils/taint.go: while a NodeMaintenance exists.
    mark("medik8s", Place::Taint, "medik8s.io/drain"),
    // medik8s/self-node-remediation, pkg/utils/taints.go: from the fencing until the node is healthy.
    mark("medik8s", Place::Taint, "medik8s.io/remediation"),
    // medik8s/fence-agents-remediation, api/v1alpha1: the key of older versions, and that since the effect is NoSchedule.
    mark("medik8s", Place::Taint, "medik8s.io/fence-agents-remediation"),
    mark("medik8s", Place::Taint, "remediation.medik8s.io/fence-agents-remediation"),
    // kubernetes.io, "Non-graceful node shutdown handling": an administrator or a remediation operator has declared the machine to be down,
    // and its pods and volumes are taken away.
    mark("out-of-service", Place::Taint, "node.kubernetes.io/out-of-service"),
    // planetlabs/draino, internal/kubernetes/eventhandler.go, `drainoConditionsAnnotationKey`: from its cordon until its uncordon.
    mark("draino", Place::Annotation, "draino.planet.com/conditions"),
    // kubernetes/autoscaler, cluster-autoscaler/utils/taints, `ToBeDeletedTaint`. `DeletionCandidateOfClusterAutoscaler` only says that the
    // node is not needed.
    mark("cluster-autoscaler", Place::Taint, "ToBeDeletedByClusterAutoscaler"),
    // karpenter.sh, Concepts, Disruption: since v1.0, and before.
    mark("Karpenter", Place::Taint, "karpenter.sh/disrupted"),
    mark("Karpenter", Place::Taint, "karpenter.sh/disruption"),
    // kubernetes-sigs/cluster-api, api/core, `NodeOutdatedRevisionTaint`: a rollout of its MachineDeployment replaces the machine.
    // `NodeUninitializedTaint`: the node is not set up yet.
    mark("Cluster API", Place::Taint, "node.cluster.x-k8s.io/outdated-revision"),
    mark("Cluster API", Place::Taint, "node.cluster.x-k8s.io/uninitialized"),
    // openshift/machine-config-operator, pkg/daemon/constants: it applies a configuration, or reboots the node for it. Not `Done`,
    // `Degraded` and `Unreconcilable`.
    state(
        "OpenShift MCO",
        Place::Annotation,
        "machineconfiguration.openshift.io/state",
        &["Working", "Rebooting"],
    ),
    // Run:ai's manual asks administrators to set it before they take a node down.
    mark("Run:ai administrator", Place::Taint, "runai"),
];

const DRIVER_UPGRADE: &[&str] = &[
    "cordon-required",
    "wait-for-jobs-required",
    "pod-deletion-required",
    "drain-required",
    "node-maintenance-required",
    "post-maintenance-required",
    "pod-restart-required",
    "validation-required",
    "uncordon-required",
];

/// podlift as a manager of fields.
pub(super) const OURS: &str = "podlift";
/// Managers of a cordon that are tools of people.
const PEOPLE: &str = "kubectl";

/// The marks on a Node object.
pub(super) fn marks(node: &Value) -> Vec<ForeignMark> {
    let marked = MARKS.iter().filter_map(|mark| {
        let value = value(node, mark)?;
        let (place, key) = (format!("{:?}", mark.place).to_lowercase(), mark.key);
        let what = if value.is_empty() { format!("{place} {key}") } else { format!("{place} {key}={value}") };
        Some(ForeignMark { by: mark.by.into(), what })
    });
    marked.chain(of_cordon(node)).collect()
}

fn value(node: &Value, mark: &Mark) -> Option<String> {
    let meta = &node["metadata"];
    let text: &str = match mark.place {
        Place::Annotation => meta["annotations"].get(mark.key)?.as_str()?,
        Place::Label => meta["labels"].get(mark.key)?.as_str()?,
        Place::Taint => {
            let taint = node["spec"]["taints"].as_array()?.iter().find(|taint| taint["key"] == mark.key)?;
            taint["value"].as_str().unwrap_or_default()
        }
    };
    (mark.values.is_empty() || mark.values.contains(&text)).then(|| short(text))
}

/// A value in one line of bounded length: NVSentinel keeps whole documents in an annotation.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into(),
    }
}

/// The program that has set `unschedulable`, by the field's manager; `None` if the node is not cordoned or the API names none.
pub(super) fn cordoned_by(node: &Value) -> Option<String> {
    node["spec"]["unschedulable"].as_bool().filter(|cordoned| *cordoned)?;
    let entries = node["metadata"]["managedFields"].as_array()?;
    let owns = |entry: &&Value| !entry["fieldsV1"]["f:spec"]["f:unschedulable"].is_null();
    let mut managers = entries.iter().filter(owns).filter_map(|entry| entry["manager"].as_str());
    // Several programs may own the field if they wrote the same value.
    let first = managers.next()?;
    let manager = managers.find(|manager| *manager == OURS).unwrap_or(first);
    Some(short(manager))
}

fn of_cordon(node: &Value) -> Option<ForeignMark> {
    let by = cordoned_by(node).filter(|by| by != OURS && !by.starts_with(PEOPLE))?;
    Some(ForeignMark { by, what: "manager of spec.unschedulable".into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(node: &Value) -> Vec<String> {
        marks(node).into_iter().map(|mark| format!("{}: {}", mark.by, mark.what)).collect()
    }

    #[test]
    fn each_program_is_known_by_its_mark() {
        let annotated = |key: &str, value: &str| json!({"metadata": {"annotations": { key: value }}});
        let labelled = |key: &str, value: &str| json!({"metadata": {"labels": { key: value }}});
        let tainted = |key: &str| json!({"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}});
        let managed = |manager: &str, cordoned: bool| {
            let fields = json!({"f:spec": {"f:unschedulable": {}}});
            let managers = json!([{"manager": "kubelet"}, {"manager": manager, "fieldsV1": fields}]);
            json!({"metadata": {"managedFields": managers}, "spec": {"unschedulable": cordoned}})
        };
        let kured = "weave.works/kured-reboot-in-progress";
        let (sentinel, cordon_by) = ("dgxc.nvidia.com/nvsentinel-state", "k8saas.nvidia.com/cordon-by");
        let (gpu, ofed) = ("nvidia.com/gpu-driver-upgrade-state", "nvidia.com/ofed-driver-upgrade-state");
        let mco = "machineconfiguration.openshift.io/state";
        let far = "medik8s.io/fence-agents-remediation";
        let table = [
            (annotated(kured, "2026"), "kured: annotation weave.works/kured-reboot-in-progress=2026"),
            (annotated("weave.works/kured-most-recent-reboot-needed", "2026"), ""),
            (managed("kured", true), "kured: manager of spec.unschedulable"),
            (labelled(cordon_by, "NVSentinel"), "NVSentinel: label k8saas.nvidia.com/cordon-by=NVSentinel"),
            (annotated("quarantineHealthEvent", "{}"), "NVSentinel: annotation quarantineHealthEvent={}"),
            (labelled(sentinel, "draining"), "NVSentinel: label dgxc.nvidia.com/nvsentinel-state=draining"),
            (labelled(sentinel, "remediation-failed"), ""),
            (
                labelled(gpu, "drain-required"),
                "GPU operator: label nvidia.com/gpu-driver-upgrade-state=drain-required",
            ),
            (labelled(gpu, "upgrade-done"), ""),
            (labelled(gpu, "upgrade-required"), ""),
            (
                labelled(ofed, "uncordon-required"),
                "network operator: label nvidia.com/ofed-driver-upgrade-state=uncordon-required",
            ),
            (labelled(ofed, "upgrade-failed"), ""),
            (tainted("medik8s.io/drain"), "medik8s: taint medik8s.io/drain"),
            (tainted("medik8s.io/remediation"), "medik8s: taint medik8s.io/remediation"),
            (tainted(far), "medik8s: taint medik8s.io/fence-agents-remediation"),
            (
                tainted(&format!("remediation.{far}")),
                "medik8s: taint remediation.medik8s.io/fence-agents-remediation",
            ),
            (
                tainted("node.kubernetes.io/out-of-service"),
                "out-of-service: taint node.kubernetes.io/out-of-service",
            ),
            (
                annotated("draino.planet.com/conditions", "KernelDeadlock=True,0s"),
                "draino: annotation draino.planet.com/conditions=KernelDeadlock=True,0s",
            ),
            (annotated("draino/drain-retry", "true"), ""),
            (
                tainted("ToBeDeletedByClusterAutoscaler"),
                "cluster-autoscaler: taint ToBeDeletedByClusterAutoscaler",
            ),
            (tainted("DeletionCandidateOfClusterAutoscaler"), ""),
            (tainted("karpenter.sh/disrupted"), "Karpenter: taint karpenter.sh/disrupted"),
            (tainted("karpenter.sh/disruption"), "Karpenter: taint karpenter.sh/disruption"),
            (annotated("karpenter.sh/do-not-disrupt", "true"), ""),
            (
                tainted("node.cluster.x-k8s.io/outdated-revision"),
                "Cluster API: taint node.cluster.x-k8s.io/outdated-revision",
            ),
            (
                tainted("node.cluster.x-k8s.io/uninitialized"),
                "Cluster API: taint node.cluster.x-k8s.io/uninitialized",
            ),
            (annotated("cluster.x-k8s.io/machine", "m-1"), ""),
            (
                annotated(mco, "Working"),
                "OpenShift MCO: annotation machineconfiguration.openshift.io/state=Working",
            ),
            (
                annotated(mco, "Rebooting"),
                "OpenShift MCO: annotation machineconfiguration.openshift.io/state=Rebooting",
            ),
            (annotated(mco, "Done"), ""),
            (annotated(mco, "Degraded"), ""),
            (tainted("runai"), "Run:ai administrator: taint runai"),
            (tainted("nvidia.com/gpu"), ""),
            (json!({"status": {"conditions": [{"type": "KernelDeadlock", "status": "True"}]}}), ""),
            (managed("cmd", true), "cmd: manager of spec.unschedulable"),
            (managed("cmd", false), ""),
            (managed("kubectl-cordon", true), ""),
            (json!({}), ""),
        ];
        for (node, want) in &table {
            let want: Vec<&str> = Some(*want).filter(|want| !want.is_empty()).into_iter().collect();
            assert_eq!(texts(node), want, "{node}");
        }
        let tested = |mark: &&Mark| table.iter().any(|(_, want)| want.contains(mark.key));
        let left: Vec<&str> = MARKS.iter().filter(|mark| !tested(mark)).map(|mark| mark.key).collect();
        assert_eq!(left, [""; 0], "each row is in the table");
    }

    #[test]
    fn every_state_of_a_driver_upgrade_that_is_on_its_way_is_a_mark() {
        for value in DRIVER_UPGRADE {
            let node = json!({"metadata": {"labels": {"nvidia.com/gpu-driver-upgrade-state": value}}});
            assert_eq!(texts(&node).len(), 1, "{value}");
        }
    }

    #[test]
    fn a_cordon_has_a_manager_and_ours_comes_first() {
        let cordoned = |managers: &[&str], is: bool| {
            let fields = json!({"f:spec": {"f:unschedulable": {}}});
            let all: Vec<Value> =
                managers.iter().map(|m| json!({"manager": m, "fieldsV1": fields})).collect();
            json!({"metadata": {"managedFields": all}, "spec": {"unschedulable": is}})
        };
        for (managers, is, want) in [
            (&["kubectl-cordon"][..], true, Some("kubectl-cordon")),
            (&["argocd", "podlift"], true, Some("podlift")),
            (&["podlift"], false, None),
            (&[], true, None),
        ] {
            assert_eq!(cordoned_by(&cordoned(managers, is)).as_deref(), want, "{managers:?}");
        }
    }

    #[test]
    fn a_long_value_is_cut_at_a_whole_character() {
        let node = json!({"metadata": {"annotations": {"quarantineHealthEvent": "ä".repeat(500)}}});
        let text = &texts(&node)[0];
        assert!(text.ends_with("ä…") && text.chars().count() < 110, "{text}");
    }
}
