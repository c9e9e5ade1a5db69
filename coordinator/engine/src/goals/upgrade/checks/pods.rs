//! Pods that make a drain long: they hang in Terminating with a finalizer, a webhook moves them instead of letting them go, or their storage
//! allows one node after another only.

use super::View;
use crate::goals::upgrade::blast;
use crate::program::{Finding, Severity, finding};
use crate::survey::{BudgetView, PodView};
use podlift_model::NodeName;

pub const ID: &str = "slow-pods";
/// KubeVirt's label of the pod of a virtual machine.
const KUBEVIRT: &str = "kubevirt.io";
/// Begin of the names of Rook's budgets for OSDs.
const ROOK: &str = "rook-ceph-osd";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    let Ok(pods) = &seen.pods else { return vec![] };
    let mut out = vec![];
    for (node, pods) in blast::by_node(pods).into_iter().filter(|(n, _)| view.chosen(n)) {
        let going: Vec<&PodView> = pods.into_iter().filter(|p| p.evicted() && !p.finished).collect();
        out.extend(going.iter().filter_map(|pod| hanging(node, pod)));
        out.extend(going.iter().filter_map(|pod| moved(node, pod)));
    }
    out.extend(storage(view, pods, seen.budgets.as_deref().unwrap_or_default()));
    out
}

/// A pod that is being deleted and does not go.
fn hanging(node: &NodeName, pod: &PodView) -> Option<Finding> {
    let since = pod.terminating?;
    let by = match pod.finalizers.is_empty() {
        true => "nothing of it says why".to_string(),
        false => format!("it has finalizer {}", pod.finalizers.join(", ")),
    };
    let evidence = format!(
        "{} hangs in Terminating since {since}, and {by}: the drain would wait for it; end it first, or --skip-wait-for-delete-timeout passes it by",
        pod.full_name()
    );
    let next = format!("kubectl -n {} get pod {} -o yaml", pod.namespace, pod.name);
    Some(finding(ID, Severity::Warning, Some(node), evidence, &next))
}

/// A pod whose eviction a webhook refuses while it moves the work.
fn moved(node: &NodeName, pod: &PodView) -> Option<Finding> {
    pod.labels.get(KUBEVIRT).filter(|kind| *kind == "virt-launcher")?;
    let evidence = format!(
        "{} is a virtual machine: KubeVirt refuses its eviction and migrates it, and the drain waits until that has ended; one that can't migrate holds the drain to its time limit",
        pod.full_name()
    );
    let next = format!("kubectl -n {} get virtualmachineinstancemigrations", pod.namespace);
    Some(finding(ID, Severity::Warning, Some(node), evidence, &next))
}

/// Rook replaces its budgets when it sees a drained node, and then no other failure domain may lose an OSD.
fn storage(view: &View, pods: &[PodView], budgets: &[BudgetView]) -> Option<Finding> {
    let on_chosen = |p: &&PodView| p.node.as_ref().is_some_and(|node| view.chosen(node));
    let osd = pods.iter().filter(|p| p.is_osd()).find(on_chosen)?;
    let one = budgets.iter().any(|b| b.name.starts_with(ROOK));
    let many = view.input.options.max_unavailable > 1;
    let evidence = format!(
        "{} and others are storage of Rook, which {}: while one of its nodes is drained, the drain of any other failure domain waits{}",
        osd.full_name(),
        if one {
            "has one budget over all OSDs and replaces it by others as soon as a node is drained"
        } else {
            "makes its budgets when a node is drained"
        },
        if many { "; podlift takes such workers one after another" } else { "" }
    );
    Some(finding(ID, Severity::Note, None, evidence, &format!("kubectl -n {} get pdb", osd.namespace)))
}
