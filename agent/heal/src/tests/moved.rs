//! etcd was moved or restored: the heal does not repair towards the old one, whatever answers there, until evidence shows that it is right
//! again.

use super::*;

const OTHER: &str = "https://10.77.9.1:2379,https://10.77.9.2:2379";

fn moved() -> String {
    LIVE_API.replace(SERVERS, OTHER)
}

fn emptied() -> String {
    EMPTY_API.into()
}

/// Empties the endpoints, and returns whether the heal restored the old ones.
fn heals(b: &Bench, heal: &Heal) -> bool {
    b.files.put(api(), emptied().as_bytes());
    look(heal);
    b.files.text(api()).contains(SERVERS)
}

fn forbidden(heal: &Heal) -> Option<String> {
    heal.facts().expectations.unwrap().forbidden
}

#[tokio::test(start_paused = true)]
async fn old_endpoints_that_answer_lift_nothing_and_a_restart_neither() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), moved().as_bytes());
    look(&heal);
    assert!(forbidden(&heal).unwrap().contains(OTHER), "{:?}", forbidden(&heal));
    heal.etcd_answered(Endpoints::Expected, "abc");
    assert!(!heals(&b, &heal), "the old members still run");
    let again = open(&b);
    again.etcd_answered(Endpoints::Expected, "abc");
    assert!(!heals(&b, &again));
    assert!(again.findings()[0].report_only.as_ref().unwrap().contains("somebody moved or restored etcd"));
    // A copy of the old manifest is not restored either.
    b.files.put(api(), b"");
    look(&again);
    tokio::time::advance(b.settings.tick).await;
    look(&again);
    assert_eq!(b.files.text(api()), "");
    again.kubeadm_started();
    b.files.remove(&api()).unwrap();
    again.kubeadm_ended();
    look(&again);
    assert!(b.files.read(&api()).is_err());
}

#[tokio::test(start_paused = true)]
async fn the_live_endpoints_that_answer_as_expected_lift_it_and_as_another_set_it() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), moved().as_bytes());
    look(&heal);
    heal.etcd_answered(Endpoints::Live, "abc");
    assert_eq!(forbidden(&heal), None, "the same cluster at other addresses");
    b.files.put(api(), LIVE_API.as_bytes());
    heal.etcd_answered(Endpoints::Live, "def");
    assert!(forbidden(&heal).unwrap().contains("cluster def, expected abc"));
    assert!(!heals(&b, &heal));
    heal.etcd_answered(Endpoints::Live, "abc");
    assert!(!heals(&b, &heal), "the live manifest names none");
}

#[tokio::test(start_paused = true)]
async fn order_and_slashes_are_the_same_endpoints() {
    let b = bench();
    let heal = knowing(&b);
    let turned: Vec<String> = SERVERS.rsplit(',').map(|e| format!("{e}/")).collect();
    b.files.put(api(), LIVE_API.replace(SERVERS, &turned.join(",")).as_bytes());
    look(&heal);
    assert_eq!(forbidden(&heal), None);
}

#[tokio::test(start_paused = true)]
async fn while_kubeadm_runs_it_is_neither_set_nor_lifted() {
    let b = bench();
    let heal = knowing(&b);
    heal.kubeadm_started();
    b.files.put(api(), moved().as_bytes());
    look(&heal);
    heal.etcd_answered(Endpoints::Live, "def");
    assert_eq!(forbidden(&heal), None);
    heal.kubeadm_ended();
    look(&heal);
    assert!(forbidden(&heal).is_some());
    heal.kubeadm_started();
    heal.etcd_answered(Endpoints::Live, "abc");
    assert!(learn(&heal, Some("abc".into()), &Digest::of(moved())).is_err());
    assert!(forbidden(&heal).is_some());
}

#[tokio::test(start_paused = true)]
async fn learned_on_the_same_cluster_and_accept_lift_it() {
    let b = bench();
    let heal = knowing(&b);
    b.files.put(api(), moved().as_bytes());
    look(&heal);
    let refused = learn(&heal, None, &Digest::of(moved())).unwrap_err().to_string();
    assert!(refused.contains("is not known"), "{refused}");
    let refused = learn(&heal, Some("def".into()), &Digest::of(moved())).unwrap_err().to_string();
    assert!(refused.contains("cluster def, expected abc"), "{refused}");
    assert_eq!(heal.expectations().unwrap().etcd_servers, SERVERS, "another cluster is never learned");
    learn(&heal, Some("abc".into()), &Digest::of(moved())).unwrap();
    assert_eq!((forbidden(&heal), heal.expectations().unwrap().etcd_servers), (None, OTHER.into()));
    b.files.put(api(), LIVE_API.as_bytes());
    look(&heal);
    assert!(forbidden(&heal).is_some());
    heal.accept(API, &Digest::of(LIVE_API)).unwrap();
    assert!(
        forbidden(&heal).unwrap().contains("the id of the cluster behind these endpoints is not known yet")
    );
    assert!(!heals(&b, &heal));
    heal.etcd_answered(Endpoints::Expected, "new");
    assert!(heals(&b, &heal));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_completed_by_the_same_endpoints_only() {
    let b = bench();
    let heal = open(&b);
    learn(&heal, None, &Digest::of(LIVE_API)).unwrap();
    assert!(!heals(&b, &heal));
    b.files.put(api(), LIVE_API.replace(SERVERS, "https://10.77.0.11:2379").as_bytes());
    heal.etcd_answered(Endpoints::Live, "def");
    assert_eq!(heal.expectations().unwrap().etcd_cluster, None);
    b.files.put(api(), LIVE_API.as_bytes());
    heal.etcd_answered(Endpoints::Live, "abc");
    assert_eq!(open(&b).expectations().unwrap().etcd_cluster.as_deref(), Some("abc"));
    assert!(heals(&b, &heal));
}

#[tokio::test(start_paused = true)]
async fn what_an_older_agent_kept_is_still_read() {
    let b = bench();
    let hash = Digest::of(LIVE_API);
    let old = format!(
        r#"{{"etcd_servers":"{SERVERS}","etcd_cluster":"abc","learned_from":"{hash}","at":"2026-11-22T00:00:00Z"}}"#
    );
    b.files.put(paths::heal("expectations.json"), old.as_bytes());
    let heal = open(&b);
    assert!(heals(&b, &heal));
}
