//! Drains as public reports have them, against the World: a pod that came back elsewhere under its name, a webhook that fails for a second,
//! budgets that move, a finalizer, a pod that bears every taint; and lookups that fail while a drain lasts.

use jiff::SignedDuration;
use podlift_coordinator::Cluster as _;
use podlift_coordinator::cluster::KubeCluster;
use podlift_engine::doors::DrainOptions;
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_lab::objects::Key;
use podlift_lab::{ApiFault, Fault, FaultAction, Shape, State, What, World};
use podlift_model::{Epoch, Failure, InstanceId, NodeName, RunId};
use podlift_tests::cases::put;
use podlift_tests::prober::WorldProber;
use podlift_tests::{case, paused};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const NODE: &str = "dgx031";

fn started() -> Arc<World> {
    let world = World::new(Shape { inference: (0, 0), ..Shape::default() });
    world.start();
    world
}

async fn world() -> Arc<World> {
    let world = started();
    cordon(&world).await;
    world
}

fn cluster(world: &Arc<World>) -> KubeCluster {
    KubeCluster::new(world.kube_client(), Arc::new(WorldProber(world.clone())), Duration::from_secs(10))
}

/// As a run does it, with what the node lifecycle controller makes of it.
async fn cordon(world: &World) {
    world.update(|s| s.api.change(&Key::node(NODE), |v| v["spec"]["unschedulable"] = json!(true)));
    world
        .until(|s| {
            s.api.get(&Key::node(NODE)).is_some_and(|v| v["spec"]["taints"][0]["timeAdded"].is_string())
        })
        .await;
    // Times of objects are whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Of a node that is cordoned.
async fn drain(world: &Arc<World>, seconds: u32) -> Result<String, Failure> {
    let act = ClusterAct::Drain {
        node: NodeName::new(NODE).unwrap(),
        run: RunId::new("r1").unwrap(),
        seconds,
        options: DrainOptions::default(),
    };
    let epoch = Epoch { number: 5, instance: InstanceId::new("one").unwrap() };
    cluster(world).act(&act, &epoch).await
}

fn evictions(world: &World, pod: &str) -> usize {
    let mine = |what: &What| matches!(what, What::Eviction { pod: name } if name == pod);
    world.effects().iter().filter(|e| mine(&e.what)).count()
}

/// Waits until podlift has asked so often for evictions.
async fn asked(world: &World, times: u64) {
    let count = || world.traffic.of("podlift").get("evict pods").map_or(0, |c| c.requests);
    while count() < times {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Case 39.
#[test]
fn what_came_back_elsewhere_under_its_name_is_left_alone() {
    paused(async {
        let world = world().await;
        put(&world, case!("39-evict-by-name-not-uid/before.yaml"));
        put(
            &world,
            &case!("39-evict-by-name-not-uid/pdb.yaml").replace("maxUnavailable: 1", "minAvailable: 1"),
        );
        let moves = async {
            asked(&world, 2).await;
            put(&world, case!("39-evict-by-name-not-uid/after.yaml"));
            let budget = Key::new("policy", "poddisruptionbudgets", "data", "db");
            world.update(|s| s.api.change(&budget, |v| v["spec"]["minAvailable"] = json!(0)));
        };
        let (drained, ()) = tokio::join!(drain(&world, 120), moves);
        drained.unwrap();
        assert_eq!(evictions(&world, "data/db-0"), 0, "neither A, which went by itself, nor B");
        assert!(
            world
                .lock()
                .api
                .get(&Key::pod("data", "db-0"))
                .is_some_and(|v| v["metadata"]["deletionTimestamp"].is_null())
        );
    });
}

/// Case 44.
#[test]
fn a_webhook_that_fails_for_a_second_holds_nothing_up() {
    paused(async {
        let world = world().await;
        put(&world, case!("39-evict-by-name-not-uid/before.yaml"));
        let answer: Value = serde_json::from_str(case!("44-webhook-fails-for-a-second/answer.json")).unwrap();
        let stderr = answer["message"].as_str().unwrap().to_string();
        let end = world.clock.now() + SignedDuration::from_secs(1);
        world.add_fault(Fault::new("api", "evict ", FaultAction::Fail { code: 500, stderr }).until(end));
        drain(&world, 120).await.unwrap();
        assert!(world.faults_taken() > 0);
        assert_eq!(evictions(&world, "data/db-0"), 1);
    });
}

/// Case 44, for good: it fails with the webhook's name.
#[test]
fn a_webhook_that_fails_for_good_is_named() {
    paused(async {
        let world = world().await;
        put(&world, case!("39-evict-by-name-not-uid/before.yaml"));
        let stderr = "Internal error occurred: failed calling webhook \"evict.site.example\": Post ...: EOF"
            .to_string();
        world.add_fault(Fault::new("api", "evict ", FaultAction::Fail { code: 500, stderr }).times(u32::MAX));
        let failed = drain(&world, 60).await.unwrap_err();
        let said = format!("{} {}", failed.message, failed.detail);
        assert!(said.contains("evict.site.example"), "{said}");
    });
}

/// Case 43: after the first eviction Rook replaces its budget by one that blocks.
#[test]
fn a_blocked_drain_names_the_budgets_of_now() {
    paused(async {
        let world = world().await;
        put(&world, case!("43-rook-osd-budgets-move/objects.yaml"));
        let budget = Key::new("policy", "poddisruptionbudgets", "rook-ceph", "rook-ceph-osd");
        // An operator of the kind has a Deployment an OSD: those have a scale.
        let moves = async {
            world.until(|s: &State| s.effects.iter().any(|e| matches!(e.what, What::Eviction { .. }))).await;
            world.update(|s| s.api.delete(&budget));
            put(&world, case!("43-rook-osd-budgets-move/after-first-eviction.yaml"));
        };
        let (blocked, ()) = tokio::join!(drain(&world, 60), moves);
        let blocked = blocked.unwrap_err();
        let said = format!("{} {}", blocked.message, blocked.detail);
        assert!(said.contains("rook-ceph-osd-host-dgx032"), "{said}");
        assert!(!said.contains("budget rook-ceph-osd "), "a budget that is gone: {said}");
    });
}

/// Case 46.
#[test]
fn a_finalizer_that_keeps_a_pod_is_named() {
    paused(async {
        let world = world().await;
        put(&world, case!("46-finalizer-keeps-pod/pod.yaml"));
        let kept = drain(&world, 30).await.unwrap_err();
        let said = format!("{} {}", kept.message, kept.detail);
        assert!(said.contains("ci/job-7-abc") && said.contains("scheduler.site.example/finalizer"), "{said}");
    });
}

/// A pod that bears every taint and is bound to its node comes back as often as it is evicted: it is left, and named.
#[test]
fn what_bears_everything_and_comes_back_is_left() {
    paused(async {
        let world = started();
        let set = Key::new("apps", "deployments", "runai", "agent");
        world.update(|s| {
            let (_, any) = s.api.of("apps", "deployments").find(|(k, _)| k.namespace == "runai").unwrap();
            let mut v = any.clone();
            let m = &mut v["metadata"];
            (m["name"], m["uid"]) = (json!("agent"), json!("o-agent"));
            let labels = json!({"app": "agent"});
            v["spec"]["replicas"] = json!(1);
            v["spec"]["selector"]["matchLabels"] = labels.clone();
            let template = &mut v["spec"]["template"];
            template["metadata"]["labels"] = labels;
            template["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
            template["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": NODE});
            s.api.put(set.clone(), v);
        });
        let runs = |s: &State| {
            let mine =
                |v: &Value| v["metadata"]["labels"]["app"] == "agent" && v["status"]["phase"] == "Running";
            s.api.pods().any(|(_, v)| mine(v))
        };
        world.until(runs).await;
        cordon(&world).await;
        drain(&world, 120).await.unwrap();
        let all = world.traffic.of("podlift").get("evict pods").map_or(0, |c| c.requests);
        assert!(all <= 4, "evicted again and again: {all}");
        let look =
            ClusterLook::PodsToEvict { node: NodeName::new(NODE).unwrap(), options: DrainOptions::default() };
        let ClusterReply::Pods(view) = cluster(&world).look(&look).await.unwrap() else { panic!() };
        assert!(view.left.iter().any(|l| l.contains("agent")), "{view:?}");
    });
}

/// Lists, lookups and evictions that fail for some seconds are repeated within the drain's own time.
#[test]
fn requests_that_fail_for_seconds_do_not_end_a_drain() {
    let busy = || FaultAction::Api(ApiFault::Busy { retry_after: 1 });
    let fail = |code: i32| FaultAction::Fail { code, stderr: "etcdserver: leader changed".into() };
    let ways = [busy(), fail(500), fail(503), FaultAction::Api(ApiFault::Reset)];
    for (verb, way) in ["list ", "get ", "evict "].into_iter().flat_map(|v| ways.iter().map(move |w| (v, w)))
    {
        paused(async {
            let world = world().await;
            put(&world, case!("39-evict-by-name-not-uid/before.yaml"));
            let end = world.clock.now() + SignedDuration::from_secs(8);
            world.add_fault(Fault::new("api", verb, way.clone()).until(end));
            let drained = drain(&world, 120).await;
            assert!(drained.is_ok(), "{verb}{way:?}: {drained:?}");
            assert_eq!(evictions(&world, "data/db-0"), 1, "{verb}{way:?}");
        });
    }
}
