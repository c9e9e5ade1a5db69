//! Workloads and networks that a drain would hurt in ways that no request and no status shows.

use super::{found, planned};
use crate::goals::PlanInput;
use crate::program::Severity;
use crate::survey::{GangView, PodView, TigeraOperator};
use crate::testing::survey::pod;
use crate::testing::{input, name};
use podlift_batches::Policy;

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

/// kubeflow/trainer#3304, volcano-sh/volcano#5805: one evicted rank stops the whole job, and its place is taken before it is whole again.
#[test]
fn jobs_over_two_nodes_are_named_with_their_members_and_go_in_one_batch() {
    let mut i = input();
    (i.options.batches, i.options.max_unavailable, i.options.canary) = (Some(Policy::default()), 2, 0);
    let member = |name: &str, gang: &str, node: &str, owner: &str| PodView {
        gang: Some(gang.into()),
        ..pod("ml", name, node, owner)
    };
    let pods = [("dgx030", 0), ("dgx031", 1)].map(|(node, n)| {
        [
            member(&format!("w-{n}"), "JobSet/j", node, "Job/w"),
            member(&format!("mpi-worker-{n}"), "MPIJob/m", node, "MPIJob/m"),
            member(&format!("ray-w-{n}"), "RayCluster/r", node, "RayCluster/r"),
        ]
    });
    i.cluster_survey.as_mut().unwrap().pods = Ok(pods.concat());
    let plan = planned(&i);
    let blast = &plan.goal.upgrade().unwrap().blast;
    let gangs = |node: &str| {
        let gangs = blast[&name(node)].gangs.iter();
        gangs.map(|gang| (gang.name.as_str(), gang.here, gang.elsewhere)).collect::<Vec<_>>()
    };
    let all = [("ml/JobSet/j", 1, 1), ("ml/MPIJob/m", 1, 1), ("ml/RayCluster/r", 1, 1)];
    assert_eq!((gangs("dgx030"), gangs("dgx031")), (all.to_vec(), all.to_vec()));
    let workers = plan.phases.iter().find(|phase| phase.name == "workers").unwrap();
    let together = workers.batches.iter().find(|batch| batch.nodes.contains(&name("dgx030"))).unwrap();
    assert_eq!(together.nodes, ["dgx030", "dgx031"].map(name));
    assert_eq!(together.interrupts, all.map(|(name, _, _)| name));
    assert!(plan.jobs.iter().all(|job| job.times == 1), "{:?}", plan.jobs);
    // Pods that work alone are no gang, although they have an object in common.
    let alone = |kind: &str| GangView { id: format!("ml/{kind}"), min_member: Some(1), pods: Some(2) };
    i.cluster_survey.as_mut().unwrap().gangs = ["JobSet/j", "MPIJob/m", "RayCluster/r"].map(alone).into();
    let plan = planned(&i);
    assert!(plan.goal.upgrade().unwrap().blast[&name("dgx030")].gangs.is_empty());
    assert!(plan.jobs.is_empty(), "they have no GPUs: {:?}", plan.jobs);
}
