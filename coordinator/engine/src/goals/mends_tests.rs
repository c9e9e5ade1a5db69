//! Which workloads of Run:ai are restarted: its own, in order, and nobody's jobs.

use super::*;
use crate::testing::input;
use crate::testing::survey::pod;

#[test]
fn only_workloads_of_runai_itself_are_restarted_its_backend_first() {
    let of = |pod: PodView, hash: &str| {
        let mut pod = pod;
        pod.labels.insert("pod-template-hash".into(), hash.into());
        pod
    };
    let mut i = input();
    let agent = of(pod("runai", "runai-agent-5d-1", "dgx030", "ReplicaSet/runai-agent-5d"), "5d");
    i.cluster_survey.as_mut().unwrap().pods = Ok(vec![
        agent.clone(),
        PodView { name: "runai-agent-5d-2".into(), ..agent.clone() },
        of(
            pod("runai-backend", "runai-backend-traefik-7-x", "dgx031", "ReplicaSet/runai-backend-traefik-7"),
            "7",
        ),
        pod("runai-backend", "keycloak-0", "dgx031", "StatefulSet/keycloak"),
        pod("runai", "migrate-x", "dgx031", "Job/migrate"),
        pod("runai", "bare", "dgx031", ""),
        PodView { gpus: 8, ..pod("runai", "train-0", "dgx031", "StatefulSet/train") },
        PodView { interactive: true, ..pod("runai", "lab-0", "dgx031", "StatefulSet/lab") },
        PodView { gang: Some("JobSet/j".into()), ..pod("runai", "w-0", "dgx031", "StatefulSet/w") },
        PodView { finished: true, ..pod("runai", "old-0", "dgx031", "StatefulSet/old") },
        pod("runai-team-a", "web-0", "dgx031", "StatefulSet/web"),
        // A ReplicaSet without the label of a Deployment.
        pod("runai", "rs-1", "dgx031", "ReplicaSet/rs"),
    ]);
    let steps: Vec<StepKind> = restarts(&i);
    let wanted: Vec<StepKind> = [
        (RolloutKind::Deployment, "runai-backend", "runai-backend-traefik"),
        (RolloutKind::StatefulSet, "runai-backend", "keycloak"),
        (RolloutKind::Deployment, "runai", "runai-agent"),
    ]
    .map(|(kind, namespace, name)| RestartRollout::of(kind, namespace, name).into())
    .to_vec();
    assert_eq!(steps, wanted);
    i.cluster_survey = Err("away".into());
    assert!(restarts(&i).is_empty());
}

#[test]
fn a_repair_restores_each_secret_that_is_gone_and_has_a_copy() {
    use crate::doors::{KeptSecret, SecretView};
    let mut i = input();
    i.issues = vec![IssueName::IngressTls];
    for (name, exists, kept) in [
        ("runai/there", true, KeptSecret::Memory),
        ("runai/gone", false, KeptSecret::Memory),
        ("runai/never", false, KeptSecret::Nowhere),
        ("grafana/gone", false, KeptSecret::Memory),
    ] {
        i.secrets.insert(name.into(), Ok(SecretView { exists, sha256: None, copy: None, kept }));
    }
    i.cluster_survey.as_mut().unwrap().pods = Ok(vec![]);
    let wanted: Vec<StepKind> = ["grafana", "runai"].map(|ns| RestoreSecret::of(ns, "gone").into()).to_vec();
    assert_eq!(of_sightings(&i, &sightings(&i, &Recorded::default())), wanted);
}
