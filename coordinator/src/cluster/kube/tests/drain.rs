//! Drain: what it evicts, what prevents it, and what it waits for.

use super::*;

#[tokio::test(start_paused = true)]
async fn pods_are_sorted_as_drain_sorts_them() {
    let mut mirror = pod("mirror", None);
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    let mut scratch = pod("scratch", Some("Job"));
    scratch["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {"medium": "Memory"}}]);
    let mut finished = pod("finished", None);
    finished["status"]["phase"] = json!("Succeeded");
    let mut over = pod("over", Some("DaemonSet"));
    over["status"]["phase"] = json!("Failed");
    let pods =
        [pod("web", Some("ReplicaSet")), mirror, scratch, finished, over, pod("agent", Some("DaemonSet"))];
    let api = Played::default()
        .node(node(true, None))
        .pods(&pods)
        .on("GET /apis/apps/v1/namespaces/a/daemonsets/o", &[(200, json!({}))]);
    let view = api.pods_to_evict(DrainOptions::default()).await;
    assert_eq!(
        (view.evict, view.refused),
        (["a/web", "a/scratch", "a/finished", "a/over"].map(String::from).to_vec(), vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn pods_that_nobody_would_create_again_forbid_the_drain() {
    let pods = [pod("web", Some("ReplicaSet")), pod("bare", None), pod("orphan", Some("DaemonSet"))];
    let api = Played::default().node(node(true, Some(("r1", 5)))).pods(&pods);
    let failure = api.drain(60).await.unwrap_err();
    assert_eq!(failure.code, "drain-refused");
    assert!(
        failure.message.contains("declare no controller") && failure.message.contains("a/bare"),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("DaemonSet is gone: a/orphan"), "{}", failure.message);
    assert!(api.bodies(&evict("web")).is_empty(), "nothing is evicted");
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_waited_for_and_the_pod_until_it_is_gone() {
    let web = pod("web", Some("ReplicaSet"));
    let mut another = web.clone();
    another["metadata"]["uid"] = json!("uid-2");
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .pods(std::slice::from_ref(&web))
        .on(
            &evict("web"),
            &[recorded("evict refused by pdb"), recorded("evict refused by pdb"), (201, json!({}))],
        )
        .on(&at("web"), &[(200, web), (503, json!("no endpoints")), (200, another)]);
    let begin = tokio::time::Instant::now();
    assert!(api.drain(60).await.is_ok());
    // Twice 5 s for the budget, two seconds between three looks, and a moment before one more list of the node's pods.
    assert_eq!((api.bodies(&evict("web")).len(), begin.elapsed()), (3, Duration::from_millis(12_250)));
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_holds_pauses_with_pods_and_budgets_named() {
    let budget = json!({
        "metadata": {"name": "keep-web", "namespace": "a"},
        "spec": {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2},
    });
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .pods(&[pod("web", Some("ReplicaSet")), pod("db", Some("StatefulSet"))])
        .on(&evict("web"), &[recorded("evict refused by pdb")])
        .on(&evict("db"), &[(201, json!({}))])
        .on("GET /apis/policy/v1/namespaces/a/poddisruptionbudgets", &[(200, json!({"items": [budget]}))]);
    let begin = tokio::time::Instant::now();
    let failure = api.drain(30).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.class), ("drain-blocked", FailureClass::Operator));
    assert!(
        failure.message.contains("a/web (budget keep-web: 0 disruptions allowed, 2 of 2 pods healthy"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("a/db") && begin.elapsed() <= Duration::from_secs(31));
    assert!(api.bodies(&format!("PATCH {NODE}")).is_empty(), "the cordon stays");
}

#[tokio::test(start_paused = true)]
async fn a_failed_eviction_is_a_failure() {
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .pods(&[pod("web", Some("ReplicaSet")), pod("db", Some("StatefulSet"))])
        .on(&evict("web"), &[recorded("evict with two pdbs")])
        .on(&evict("db"), &[(201, json!({}))]);
    let failure = api.drain(30).await.unwrap_err();
    assert_eq!(failure.code, "eviction-failed");
    assert!(
        failure.message.contains("a/web: 500 This pod has more than one PodDisruptionBudget"),
        "{}",
        failure.message
    );
    assert_eq!(api.bodies(&evict("db")).len(), 1, "the others go on");
}

#[tokio::test(start_paused = true)]
async fn a_terminating_namespace_is_waited_for() {
    let (_, mut refused) = status(403, "namespace is being terminated");
    refused["details"] = json!({"causes": [{"reason": "NamespaceTerminating"}]});
    let mut going = pod("going", Some("Job"));
    going["metadata"]["deletionTimestamp"] = json!("2026-11-22T02:00:00Z");
    let api = Played::default()
        .node(node(true, Some(("r1", 5))))
        .pods(&[pod("web", Some("ReplicaSet")), going])
        .on(&evict("going"), &[(403, refused.clone())])
        .on(&evict("web"), &[(403, refused), status(404, "gone")]);
    assert!(api.drain(60).await.is_ok());
    let plain = status(403, "forbidden");
    let api = Played::default()
        .node(node(true, None))
        .pods(&[pod("web", Some("ReplicaSet"))])
        .on(&evict("web"), &[plain]);
    assert_eq!(api.drain(60).await.unwrap_err().code, "eviction-failed");
    assert_eq!(api.bodies(&evict("web")).len(), 7, "roles may be a moment late, and not for ever");
}
