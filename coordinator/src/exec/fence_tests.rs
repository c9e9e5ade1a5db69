//! Which nodes' epochs count: those of control-plane nodes, as the cluster or the journal knows them, with possible numbers.

use super::*;
use crate::journal::MemoryJournal;
use crate::testing::{Fleet, name, store};
use podlift_model::facts::ManifestFacts;

const FAR: u64 = 1_000_001;

fn epoch(number: u64) -> Epoch {
    Epoch { number, instance: InstanceId::new("other").unwrap() }
}

fn fence(fleet: &Arc<Fleet>, journal: &MemoryJournal) -> Arc<Fence> {
    let ports = (fleet.clone() as Arc<dyn Agents>, fleet.clone() as Arc<dyn Cluster>);
    Fence::new(store(journal), ports, InstanceId::new("one").unwrap(), Some(name("head-01")))
}

fn manifests(fleet: &Fleet) -> Vec<ManifestFacts> {
    fleet.lock().facts[&name("runai-01")].manifests.clone()
}

#[tokio::test(start_paused = true)]
async fn a_workers_epoch_moves_nobody() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let planes_files = manifests(&fleet);
    {
        let mut s = fleet.lock();
        s.epochs.insert(name("dgx030"), epoch(900));
        s.epochs.insert(name("runai-02"), epoch(7));
        // The node reports that it is control plane, and it is not.
        s.facts.get_mut(&name("dgx030")).unwrap().manifests = planes_files;
    }
    let fence = fence(&fleet, &journal);
    fence.claim().await.unwrap();
    assert_eq!(fence.epoch().unwrap().number, 8);
    assert!(!fleet.lock().epochs.values().any(|e| e.number > 900));
    assert_eq!(fleet.lock().epochs[&name("dgx030")], epoch(900), "it was not even asked");
    let word = fence.heeds(&name("dgx030")).unwrap_err();
    assert!(
        word.code == "epoch-refused" && word.message.contains("knows dgx030 as a control-plane node"),
        "{}",
        word.message
    );
    assert!(fence.heeds(&name("runai-02")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_number_that_nobody_counted_to_is_reported_and_not_followed() {
    for number in [FAR + 100, u64::MAX] {
        let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
        fleet.lock().epochs.insert(name("runai-02"), epoch(number));
        let fence = fence(&fleet, &journal);
        fence.claim().await.unwrap();
        assert_eq!(fence.epoch().unwrap().number, 1, "the two others are a majority");
        let word = fence.heeds(&name("runai-02")).unwrap_err();
        assert!(
            word.message.contains(&number.to_string()) && word.message.contains("podlift takeover"),
            "{}",
            word.message
        );
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_within_reach_are_followed() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().epochs.insert(name("runai-02"), epoch(FAR - 1));
    let fence = fence(&fleet, &journal);
    fence.claim().await.unwrap();
    assert_eq!(fence.epoch().unwrap().number, FAR);
}

#[tokio::test(start_paused = true)]
async fn two_strange_numbers_leave_no_majority_until_a_person_says_that_they_are_true() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    for node in ["runai-01", "runai-02"] {
        fleet.lock().epochs.insert(name(node), epoch(5_000_000));
    }
    let fence = fence(&fleet, &journal);
    let why = fence.claim().await.unwrap_err();
    assert!(
        why.contains("1 of 3 control-plane agents accepted") && why.contains("podlift takeover"),
        "{why}"
    );
    fence.takeover().await.unwrap();
    assert_eq!(fence.epoch().unwrap().number, 5_000_001);
    // No number can follow the highest one. That node is named, and the other numbers are used.
    fleet.lock().epochs.insert(name("runai-01"), epoch(u64::MAX));
    fence.takeover().await.unwrap();
    assert!(fence.epoch().unwrap().number < u64::MAX);
}

#[tokio::test(start_paused = true)]
async fn until_somebody_says_who_is_control_plane_nothing_is_claimed() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    fleet.lock().api_down = true;
    let fence = fence(&fleet, &journal);
    let why = fence.claim().await.unwrap_err();
    assert!(why.contains("neither the cluster nor the journal"), "{why}");
    // A person may take over: then the agents are asked that report themselves as control plane.
    assert!(fence.takeover().await.unwrap().contains("3 of 3"));
}

#[tokio::test(start_paused = true)]
async fn runs_that_only_workers_remember_do_not_end_our_command() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let fence = fence(&fleet, &journal);
    fence.claim().await.unwrap();
    let unknown = vec![RunId::new("old-run").unwrap()];
    fleet.lock().remembered_by.insert(name("dgx030"), unknown.clone());
    assert!(fence.commanding().is_some(), "{:?}", fence.read_only());
    fleet.lock().remembered_by.insert(name("runai-03"), unknown);
    assert!(fence.commanding().is_none() && fence.read_only().unwrap().contains("old-run"));
}

#[tokio::test(start_paused = true)]
async fn a_takeover_is_above_every_mark_in_the_cluster_and_says_what_it_found() {
    let (fleet, journal) = (Fleet::new(), MemoryJournal::new());
    let run = RunId::new("old").unwrap();
    for (node, number) in [("dgx030", 40), ("dgx031", 7)] {
        let owner = podlift_engine::doors::Owner { run: run.clone(), epoch: epoch(number), over: false };
        fleet.lock().views.get_mut(&name(node)).unwrap().owner = Some(owner);
    }
    let fence = fence(&fleet, &journal);
    fence.claim().await.unwrap();
    assert_eq!(fence.epoch().unwrap().number, 1, "a claim is a matter of the agents");
    let said = fence.takeover().await.unwrap();
    assert_eq!(fence.epoch().unwrap().number, 41);
    assert!(said.contains("node dgx030 (cordon of run old)") && said.contains("3 of 3"), "{said}");
}
