//! Single evictions: what they name, what is tried again and for how long, and what the operator's options change.

use super::*;

fn drained() -> Played {
    Played::default().node(node(true, Some(("r1", 5))))
}

fn web() -> Value {
    pod("web", Some("ReplicaSet"))
}

/// The fixture of a public case, written with the words of its report.
fn webhook(code: u16) -> (u16, Value) {
    status(code, "Internal error occurred: failed calling webhook \"evict.site.example\": Post ...: EOF")
}

#[tokio::test(start_paused = true)]
async fn an_eviction_names_the_uid_and_never_touches_a_pod_that_came_back_elsewhere() {
    let mut reborn = web();
    (reborn["metadata"]["uid"], reborn["spec"]["nodeName"]) = (json!("uid-B"), json!("dgx031"));
    let budget = recorded("evict refused by pdb");
    let api = drained()
        .pods(&[web()])
        .on(
            &evict("web"),
            &[budget.clone(), budget, status(409, "the UID in the precondition does not match")],
        )
        .on(&at("web"), &[(200, reborn)]);
    assert!(api.drain(60).await.is_ok());
    let asked = api.bodies(&evict("web"));
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|b| b["deleteOptions"]["preconditions"]["uid"] == "uid-web"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_the_same_pod_is_tried_again() {
    let api = drained()
        .pods(&[web()])
        .on(&evict("web"), &[status(409, "the object has been modified"), (201, json!({}))])
        .on(&at("web"), &[(200, web()), status(404, "gone")]);
    assert!(api.drain(60).await.is_ok());
    assert_eq!(api.bodies(&evict("web")).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_fails_for_a_moment_is_tried_again_and_then_named() {
    for code in [500, 403] {
        let api = drained().pods(&[web()]).on(&evict("web"), &[webhook(code), (201, json!({}))]);
        assert!(api.drain(60).await.is_ok(), "{code}");
        let api = drained().pods(&[web()]).on(&evict("web"), &[webhook(code)]);
        let begin = tokio::time::Instant::now();
        let failure = api.drain(600).await.unwrap_err();
        assert_eq!(failure.code, "eviction-failed");
        assert!(failure.message.contains("evict.site.example"), "{}", failure.message);
        assert_eq!((api.bodies(&evict("web")).len(), begin.elapsed()), (7, Duration::from_secs(30)));
    }
}

#[tokio::test(start_paused = true)]
async fn lists_lookups_and_looks_that_fail_are_tried_again_within_the_drains_own_time() {
    let bad = [
        status(429, "too many requests"),
        status(500, "etcdserver: leader changed"),
        status(503, "no"),
        status(504, "timeout"),
        (502, json!("no server")),
    ];
    for answer in bad {
        let set = "GET /apis/apps/v1/namespaces/a/daemonsets/o";
        let list = (200, json!({"metadata": {}, "items": [web(), pod("agent", Some("DaemonSet"))]}));
        let api = Played::default()
            .on(&format!("GET {NODE}"), &[answer.clone(), (200, node(true, Some(("r1", 5))))])
            .on(&format!("GET {PODS}"), &[answer.clone(), list])
            .on(set, &[answer.clone(), (200, json!({}))])
            .on(&evict("web"), &[(201, json!({}))])
            .on(&at("web"), &[answer.clone(), status(404, "gone")]);
        let ended = api.drain(60).await;
        assert!(ended.is_ok(), "{answer:?}: {ended:?}");
        assert_eq!(api.bodies(&evict("web")).len(), 1);
    }
    let api = Played::default().on(&format!("GET {NODE}"), &[status(500, "always")]);
    let begin = tokio::time::Instant::now();
    assert_eq!(api.drain(30).await.unwrap_err().code, "api-busy");
    assert!(begin.elapsed() <= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_is_named_with_its_time_in_the_look_and_at_the_limit() {
    let mut stuck = pod("job-7-abc", Some("Job"));
    stuck["metadata"]["deletionTimestamp"] = json!("2026-01-10T08:00:30Z");
    stuck["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    stuck["metadata"]["finalizers"] = json!(["scheduler.site.example/finalizer"]);
    let api = drained()
        .pods(std::slice::from_ref(&stuck))
        .on(&evict("job-7-abc"), &[(201, json!({}))])
        .on(&at("job-7-abc"), &[(200, stuck)]);
    let words = "terminating since 2026-01-10T08:00:00Z, held by finalizer scheduler.site.example/finalizer";
    let held = api.pods_to_evict(DrainOptions::default()).await.held;
    assert!(held.len() == 1 && held[0].contains(words), "{held:?}");
    let failure = api.drain(30).await.unwrap_err();
    assert!(failure.message.contains(words) && failure.message.contains("; for "), "{}", failure.message);
    let options = DrainOptions { skip_wait_for_delete_seconds: 60, ..DrainOptions::default() };
    let left = api.pods_to_evict(options.clone()).await;
    assert!(left.evict.is_empty() && left.left[0].contains("not waited for"), "{left:?}");
    let said = api.drain_with(30, options).await.unwrap();
    assert!(said.contains("left there: a/job-7-abc"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_its_controller_moves_is_waited_for_however_it_refuses() {
    for code in [429, 403, 500] {
        let moving = status(
            code,
            "admission webhook \"virt-launcher-eviction-interceptor.kubevirt.io\" denied the request: Eviction triggered evacuation of VMI \"a/vm\"",
        );
        let many: Vec<_> = std::iter::repeat_n(moving.clone(), 20).chain([status(404, "gone")]).collect();
        let api = drained().pods(&[web()]).on(&evict("web"), &many);
        assert!(api.drain(600).await.is_ok(), "{code}");
        let api = drained().pods(&[web()]).on(&evict("web"), &[moving]);
        let failure = api.drain(60).await.unwrap_err();
        assert_eq!(failure.code, "drain-blocked");
        assert!(failure.message.contains("its own controller moves it"), "{}", failure.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_can_never_count_is_called_so_and_budgets_are_those_of_now() {
    let budget = |name: &str, allowed: i64, conditions: Value| {
        json!({
            "metadata": {"name": name, "namespace": "a"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
            "status": {"disruptionsAllowed": allowed, "conditions": conditions},
        })
    };
    let failed = json!([{"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "es does not implement the scale subresource"}]);
    let (before, now) = (budget("osd", 0, json!([])), budget("osd-host-dgx032", 0, failed));
    let list = |b: Value| (200, json!({"items": [b, budget("roomy", 1, json!([]))]}));
    let path = "GET /apis/policy/v1/namespaces/a/poddisruptionbudgets";
    let api = drained().pods(&[web()]).on(&evict("web"), &[recorded("evict refused by pdb")]);
    let api = api.on(path, &[status(500, "once"), list(now)]);
    let message = api.drain(30).await.unwrap_err().message;
    assert!(message.contains("budget osd-host-dgx032: it can never allow anything"), "{message}");
    assert!(message.contains("SyncFailed: es does not implement the scale subresource"), "{message}");
    assert!(!message.contains("roomy") && !message.contains("osd:"), "{message} {before}");
}

#[tokio::test(start_paused = true)]
async fn the_line_of_a_waiting_drain_names_pods_budgets_and_times() {
    let api = drained().pods(&[web()]).on(&evict("web"), &[recorded("evict refused by pdb")]);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told: crate::dispatch::Progress = {
        let lines = lines.clone();
        Arc::new(move |line| lines.lock().unwrap().push(line))
    };
    let act = ClusterAct::Drain { node: dgx(), run: run(), seconds: 30, options: DrainOptions::default() };
    assert!(api.cluster().act_told(&act, &epoch(5), &told).await.is_err());
    let lines = lines.lock().unwrap().clone();
    assert!(lines.len() >= 4, "{lines:?}");
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("1 of 1 pod left on dgx030: a/web (")
            && last.contains("web needs 2 healthy pods")
            && last.contains(", for "),
        "{last}"
    );
}

#[tokio::test(start_paused = true)]
async fn options_of_kubectl_are_off_and_do_what_they_do_there() {
    let bare = pod("bare", None);
    let (plain, forced) = (DrainOptions::default(), DrainOptions { force: true, ..DrainOptions::default() });
    let api = drained().pods(std::slice::from_ref(&bare)).on(&evict("bare"), &[(201, json!({}))]);
    assert_eq!(api.pods_to_evict(plain.clone()).await.evict, Vec::<String>::new());
    assert_eq!(api.pods_to_evict(forced.clone()).await.evict, ["a/bare"]);
    let said = api.drain_with(30, forced).await.unwrap();
    assert!(said.contains("not created again: a/bare"), "{said}");
    assert!(api.bodies(&evict("bare"))[0]["deleteOptions"].get("gracePeriodSeconds").is_none());

    let deletes = DrainOptions { disable_eviction: true, grace_period_seconds: Some(0), ..plain.clone() };
    let delete = "DELETE /api/v1/namespaces/a/pods/web";
    let api = drained().pods(&[web()]).on(delete, &[(200, json!({}))]);
    api.drain_with(30, deletes).await.unwrap();
    let body = &api.bodies(delete)[0];
    assert_eq!((&body["preconditions"]["uid"], &body["gracePeriodSeconds"]), (&json!("uid-web"), &json!(0)));
    assert!(api.bodies(&evict("web")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_drain_of_many_pods_has_a_bounded_number_of_evictions_in_flight() {
    let name = |n: usize| format!("web-{n}");
    let pods: Vec<Value> = (0..300).map(|n| pod(&name(n), Some("ReplicaSet"))).collect();
    let api = Played::default().node(node(true, Some(("r1", 5)))).pods(&pods);
    let api = (0..300).fold(api, |api, n| api.on(&evict(&name(n)), &[(201, json!({}))]));
    api.0.lock().unwrap().delay = Duration::from_millis(200);
    let said = api.drain(60).await.unwrap();
    assert!(said.starts_with("300 pods evicted"), "{said}");
    assert_eq!(api.0.lock().unwrap().most_evictions, 128);
}
