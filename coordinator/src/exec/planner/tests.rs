//! What the planner gathers besides facts: clocks, and what BCM reports.

use crate::core::{Coordinator, Parts, PlanAsk, Settings};
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, name, options, store};
use podlift_common::clock::TokioClock;
use podlift_engine::Program;
use podlift_model::{ClusterName, InstanceId};
use std::sync::Arc;

const NOW: &str = "2026-11-22T02:00:00Z";

/// Makes a plan, with the agent of a head node or without.
async fn plan(fleet: &Arc<Fleet>, head: Option<&str>) -> Arc<Program> {
    let coordinator = Coordinator::new(Parts {
        cluster_name: ClusterName::new("runaicluster").unwrap(),
        store: store(&MemoryJournal::new()),
        agents: fleet.clone(),
        cluster: fleet.clone(),
        clock: Arc::new(TokioClock::starting_at(NOW.parse().unwrap())),
        instance: InstanceId::new("one").unwrap(),
        settings: Settings { options: options(), ..Settings::default() },
        head: head.map(name),
    });
    coordinator.plan(&PlanAsk::to("v1.32.9".parse().unwrap()), "eve").await.unwrap()
}

fn found(plan: &Program, check: &str) -> Vec<String> {
    let findings = plan.findings.iter().filter(|f| f.check == check);
    findings
        .map(|f| {
            format!(
                "{:?} {} {}",
                f.severity,
                f.node.iter().map(|n| n.as_str()).collect::<String>(),
                f.evidence
            )
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_clock_an_hour_off_is_a_warning_and_nothing_else() {
    let fleet = Fleet::new();
    let plain = plan(&fleet, None).await;
    for (node, clock) in [("dgx030", NOW), ("dgx031", "2026-11-22T03:00:00Z")] {
        fleet.lock().facts.get_mut(&name(node)).unwrap().clock = clock.parse().ok();
    }
    let seen = plan(&fleet, None).await;
    let told = found(&seen, "clock-skew");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("Warning dgx031 its clock is 1 h 00 m ahead of the coordinator's"),
        "{told:?}"
    );
    assert_eq!((seen.blockers().count(), &seen.hash, &seen.phases), (0, &plain.hash, &plain.phases));
    assert!(seen.inventory.nodes.iter().all(|n| n.facts.as_ref().is_none_or(|f| f.clock.is_none())));
}

#[tokio::test(start_paused = true)]
async fn bcm_decides_whether_the_target_may_be() {
    let fleet = Fleet::new();
    let why = |plan: &Program| plan.blockers().map(|f| f.evidence.clone()).collect::<Vec<_>>();
    let silent = why(&*plan(&fleet, Some("head-01")).await);
    assert!(
        !silent.is_empty() && silent.iter().all(|text| text.contains("cmsh is in none of /cm")),
        "{silent:?}"
    );
    fleet.lock().add_bcm();
    let lists = |minors: &[&str]| {
        let minors = minors.iter().map(|minor| minor.parse().unwrap()).collect();
        fleet.lock().bcm_site().minors = minors;
    };
    lists(&["1.32", "1.31"]);
    let supported = plan(&fleet, Some("head-01")).await;
    assert_eq!(why(&supported), Vec::<String>::new());
    lists(&["1.31", "1.30"]);
    let blocked = why(&*plan(&fleet, Some("head-01")).await);
    let want = "does not support v1.32, it lists v1.31, v1.30";
    assert!(blocked.len() == 1 && blocked[0].contains(want), "{blocked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_bcm_says_of_the_version_is_compared_with_the_cluster() {
    let fleet = Fleet::new();
    fleet.lock().add_bcm();
    fleet.lock().bcm_site().recorded = "1.30.4-1.1".parse().unwrap();
    let seen = plan(&fleet, Some("head-01")).await;
    let told = found(&seen, "bcm-version");
    assert!(told.iter().any(|text| text.contains("BCM's metadata says 1.30.4-1.1")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_tells_of_control_plane_manifests_votes_on_nothing_and_is_named() {
    let fleet = Fleet::new();
    {
        let mut s = fleet.lock();
        let mut manifests = s.facts[&name("runai-01")].manifests.clone();
        manifests.iter_mut().for_each(|m| m.version = "v1.29.0".parse().ok());
        let facts = s.facts.get_mut(&name("dgx030")).unwrap();
        facts.manifests = manifests;
        facts.advertise = Some("10.66.6.6:6443".into());
        facts.etcd_endpoints = vec!["https://10.66.6.6:2379".into()];
    }
    let plan = plan(&fleet, None).await;
    let entry = plan.inventory.get(&name("dgx030")).unwrap();
    assert_eq!(entry.role, podlift_engine::inventory::NodeRole::Worker);
    assert!(entry.facts.is_none(), "nothing that it tells is believed");
    assert_eq!(plan.from(), "v1.31.9".parse().unwrap());
    let said = plan.blockers().find(|f| f.evidence.contains("the cluster calls it a worker"));
    let said = said.unwrap_or_else(|| panic!("{:?}", plan.findings));
    assert_eq!(said.node, Some(name("dgx030")));
    assert!(said.evidence.contains("kube-apiserver.yaml"), "{}", said.evidence);
    let text = serde_json::to_string(plan.as_ref()).unwrap();
    assert!(!text.contains("10.66.6.6"), "no look went there");
}
