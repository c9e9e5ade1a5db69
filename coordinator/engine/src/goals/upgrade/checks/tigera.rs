//! An operator that was installed beside a Calico from manifests and takes it over. Such an operator marks the nodes, then takes calico-node
//! from them one by one; a drain in the middle of that leaves a node without a network. What else is known of Calico is in `issues`.

use super::{View, issues};
use crate::issues::{IssueName, Mend};
use crate::program::{Finding, Severity, finding};
use crate::survey::ClusterSurvey;

pub const ID: &str = "tigera";

/// Label of a node whose Calico the operator is about to move or has moved (tigera/operator, `pkg/controller/migration`).
const MIGRATION: &str = "projectcalico.org/operator-node-migration";
const BEFORE: &str = "pre-operator";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    // One sentence about an operator is enough, unless it moves nodes now.
    let told = issues::sightings(view)
        .iter()
        .any(|s| s.issue == IssueName::CalicoOperator && s.object == Mend::RemoveOperator.object());
    operator(view, seen).into_iter().filter(|f| !told || f.severity == Severity::Blocker).collect()
}

fn operator(view: &View, seen: &ClusterSurvey) -> Option<Finding> {
    let operator = seen.tigera_operator.as_ref().ok()?.as_ref()?;
    let silent = seen.tigera.as_ref().is_ok_and(Vec::is_empty);
    let marked = view
        .input
        .inventory
        .nodes
        .iter()
        .filter(|n| n.view.labels.get(MIGRATION).is_some_and(|at| at == BEFORE));
    let marked: Vec<&str> = marked.map(|n| n.name.as_str()).collect();
    let (severity, evidence) = match (operator.beside_manifests, marked.is_empty(), silent) {
        (true, false, _) => (
            Severity::Blocker,
            format!(
                "tigera-operator was installed beside the Calico of kube-system and takes it over node by node; {} still have its label {MIGRATION}={BEFORE}: a drain meanwhile leaves nodes without a network. Let the migration end, or stop the operator first",
                marked.join(", ")
            ),
        ),
        (true, true, true) => (
            Severity::Warning,
            "tigera-operator was installed beside the Calico of kube-system, and reports no status: it may begin to take Calico over at any time".into(),
        ),
        (false, _, true) => {
            (Severity::Warning, "tigera-operator is installed and reports no status, so the state of Calico is not known".into())
        }
        _ => return None,
    };
    Some(finding(ID, severity, None, evidence, &format!("kubectl get nodes -L {MIGRATION}")))
}
