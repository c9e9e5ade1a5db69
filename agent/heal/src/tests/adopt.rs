//! Requests of a person: accept and apply.

use super::*;

#[tokio::test(start_paused = true)]
async fn accept_takes_what_is_on_the_disk_and_nothing_else() {
    let b = bench();
    let heal = knowing(&b);
    let moved = LIVE_API.replace(SERVERS, "https://10.77.0.99:2379");
    b.files.put(api(), moved.as_bytes());
    let refused = heal.accept(API, &Digest::of(LIVE_API)).unwrap_err().to_string();
    assert!(refused.contains("it changed since it was looked at"), "{refused}");
    heal.accept(API, &Digest::of(&moved)).unwrap();
    let again = open(&b);
    let known = again.expectations().unwrap();
    assert_eq!((known.etcd_servers.as_str(), known.etcd_cluster), ("https://10.77.0.99:2379", None));
    let empty = moved.replace("https://10.77.0.99:2379", "");
    b.files.put(api(), empty.as_bytes());
    look(&again);
    assert_eq!(b.files.text(api()), empty, "which cluster that is nobody knows yet");
    again.etcd_answered(Endpoints::Expected, "new");
    look(&again);
    assert_eq!(b.files.text(api()), moved);
    let good = again.facts().files.remove(0).good;
    assert_eq!(
        good.iter().map(|g| g.sha256.clone()).collect::<Vec<_>>(),
        [Digest::of(&moved), Digest::of(LIVE_API)]
    );
}

#[tokio::test(start_paused = true)]
async fn accept_refuses_what_can_not_start_and_what_it_can_not_judge() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), EMPTY_API.as_bytes());
    let refused = heal.accept(API, &Digest::of(EMPTY_API)).unwrap_err().to_string();
    assert!(refused.contains("--etcd-servers is empty"), "{refused}");
    b.files.remove(&api()).unwrap();
    let refused = heal.accept(API, &Digest::of("")).unwrap_err().to_string();
    assert!(refused.contains("it is missing"), "{refused}");
    let ignorant = bench();
    let scheduler = Digest::of(podlift_host::testing::LIVE_SCHEDULER);
    let refused = open(&ignorant).accept(Component::KubeScheduler, &scheduler).unwrap_err();
    assert!(matches!(refused, crate::Refused::Ignorant), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn apply_does_hygiene_without_a_guard_for_one_file_only() {
    let b = bench();
    let heal = knowing(&b);
    let kcm = paths::manifest(Component::KubeControllerManager);
    let gate = "    - --feature-gates=MaxUnavailableStatefulSet=true\n";
    let line = "    - kube-controller-manager\n";
    let with_gate = b.files.text(&kcm).replacen(line, &format!("{line}{gate}"), 1);
    b.files.put(&kcm, with_gate.as_bytes());
    let stray = |name: &str| std::path::Path::new(paths::MANIFESTS).join(name);
    b.files.put(stray("a.bak"), LIVE_API.as_bytes());
    b.files.put(stray("b.bak"), podlift_host::testing::LIVE_SCHEDULER.as_bytes());
    let applied = heal.apply(API).unwrap();
    assert_eq!((applied.healed.len(), applied.left), (2, vec![]), "the gate and the copy");
    assert!(!b.files.text(api()).contains("MaxUnavailable"));
    assert_eq!(b.files.text(&kcm), with_gate);
    assert!(b.files.read(&stray("a.bak")).is_err() && b.files.read(&stray("b.bak")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn apply_is_refused_where_nothing_may_be_repaired() {
    let mut b = bench();
    let heal = knowing(&b);
    heal.kubeadm_started();
    assert!(matches!(heal.apply(API).unwrap_err(), crate::Refused::Kubeadm));
    b.settings.mode = Mode::Observe;
    assert!(heal.apply(API).is_err());
    let observing = open(&b).apply(API).unwrap_err().to_string();
    assert!(observing.contains("heal.mode is observe"), "{observing}");
    assert!(b.files.text(api()).contains("MaxUnavailable"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_file_comes_back_in_the_version_that_was_there() {
    let b = bench();
    let heal = knowing(&b);
    let upgraded = LIVE_API.replace("v1.31.14", "v1.32.13");
    b.files.put(api(), upgraded.as_bytes());
    look(&heal);
    b.files.put(api(), b"garbage");
    let broken = |heal: &Heal| {
        look(heal);
        heal.findings().remove(0)
    };
    broken(&heal);
    tokio::time::advance(b.settings.tick).await;
    let why = broken(&heal).report_only.unwrap();
    assert!(why.contains("no good copy of v1.32.13 is kept (the newest is of v1.31.14)"), "{why}");
    // Once the API server was Ready with the new manifest, it is the copy.
    b.files.put(api(), upgraded.as_bytes());
    learn(&heal, None, &Digest::of(&upgraded)).unwrap();
    let again = open(&b);
    b.files.put(api(), b"garbage");
    look(&again);
    tokio::time::advance(b.settings.tick).await;
    look(&again);
    assert_eq!(b.files.text(api()), upgraded);
}
