//! Workloads and networks that a drain would hurt in ways that no request and no status shows.

use super::{found, planned};
use crate::goals::PlanInput;
use crate::program::Severity;
use crate::survey::{PodView, TigeraOperator};
use crate::testing::survey::pod;
use crate::testing::{input, name};

fn gpu_user(namespace: &str, of: &str, owner: &str, how: &str) -> PodView {
    PodView { gpu_by: Some(how.into()), ..pod(namespace, of, "dgx031", owner) }
}

/// NVIDIA/gpu-operator#2570.
#[test]
fn users_of_gpus_without_a_request_are_named() {
    let mut i = input();
    let pods = i.cluster_survey.as_mut().unwrap().pods.as_mut().unwrap();
    pods.push(gpu_user("lab", "viewer-1", "ReplicaSet/viewer", "runtime class nvidia"));
    pods.push(gpu_user("lab", "train-dra-0", "Job/train-dra", "resource claims"));
    let exporter = gpu_user("gpu-operator", "dcgm-x", "DaemonSet/dcgm-exporter", "runtime class nvidia");
    pods.push(PodView { daemon_set: true, ..exporter });
    let mut done = gpu_user("lab", "over-1", "Job/over", "resource claims");
    done.finished = true;
    pods.push(done);
    let plan = planned(&i);
    let blast = &plan.goal.upgrade().unwrap().blast[&name("dgx031")];
    assert_eq!(blast.gpu_users, ["lab/viewer-1 (runtime class nvidia)", "lab/train-dra-0 (resource claims)"]);
    let told = found(&plan, "gpu-users");
    assert!(
        matches!(told[..], [(Severity::Note, text)] if text.ends_with(": gpu-operator/DaemonSet/dcgm-exporter on 1 node")),
        "{told:?}"
    );
}

fn told(i: &PlanInput) -> Vec<(Severity, String)> {
    found(&planned(i), "tigera").into_iter().map(|(severity, text)| (severity, text.into())).collect()
}

/// tigera/operator#1923.
#[test]
fn an_operator_beside_a_calico_of_manifests_blocks_while_it_moves_nodes() {
    let mut i = input();
    let seen = i.cluster_survey.as_mut().unwrap();
    (seen.tigera, seen.tigera_operator) = (Ok(vec![]), Ok(Some(TigeraOperator { beside_manifests: true })));
    let waiting = told(&i);
    assert!(
        matches!(&waiting[..], [(Severity::Warning, t)] if t.contains("reports no status")),
        "{waiting:?}"
    );
    let label = ("projectcalico.org/operator-node-migration".to_string(), "pre-operator".to_string());
    let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx031")).unwrap();
    node.view.labels.extend([label]);
    let moving = told(&i);
    assert!(
        matches!(&moving[..], [(Severity::Blocker, t)] if t.contains("; dgx031 still have")),
        "{moving:?}"
    );
    i.cluster_survey.as_mut().unwrap().tigera_operator = Ok(None);
    assert_eq!(told(&i), []);
}
