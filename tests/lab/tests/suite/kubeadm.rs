//! kubeadm's double against the recordings: texts, durations, exit codes, and the three traps (exit 0 over a crash, five minutes after a
//! heal, everything put back).
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{in_order, kubeadm_at, ok, recorded, sh, world};
use podlift_lab::world::manifests::DIR;
use podlift_lab::{Shape, What, World};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const PROXY: &str = include_str!("../../../fixtures/transcripts/kubeadm-apply-behind-proxy.txt");
const NODE: &str = include_str!("../../../fixtures/transcripts/kubeadm-upgrade-node-clean.txt");
const WORKER: &str = include_str!("../../../fixtures/transcripts/worker-upgrade.txt");
const PLAN: &str = include_str!("../../../fixtures/transcripts/kubeadm-plan-diff.txt");
const APPLY: &str = "kubeadm upgrade apply v1.32.13 --yes";

/// From `[upgrade] Reading` on, the lines that kubeadm itself wrote.
fn written(transcript: &str) -> String {
    let lines = transcript.lines().skip_while(|l| !l.starts_with("[upgrade] Reading"));
    lines
        .take_while(|l| !l.starts_with("rc="))
        .filter(|l| !l.starts_with("W11"))
        .map(|l| format!("{l}\n"))
        .collect()
}

fn good() -> Shape {
    Shape { empty_endpoints: false, ..recorded() }
}

/// Seconds for which a node's API server did not answer.
fn watch_outage(world: &Arc<World>, node: &str) -> tokio::task::JoinHandle<f64> {
    let (world, node) = (world.clone(), node.to_string());
    tokio::spawn(async move {
        world.until(|s| !s.front_up(&node)).await;
        let since = Instant::now();
        world.until(|s| s.front_up(&node)).await;
        since.elapsed().as_secs_f64()
    })
}

#[tokio::test(start_paused = true)]
async fn a_good_apply_takes_its_time_and_an_outage_of_twenty_seconds() {
    let world = world(good());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    ok(&world, "runai-01", "kubeadm config images pull --kubernetes-version v1.32.13").await;
    let (started, outage) = (Instant::now(), watch_outage(&world, "runai-01"));
    let said = ok(&world, "runai-01", APPLY).await;
    let took = started.elapsed().as_secs_f64();
    in_order(&said, &written(PROXY));
    assert!((40.0..60.0).contains(&took), "{took}");
    let away = outage.await.unwrap();
    assert!((15.0..25.0).contains(&away), "{away}");
    assert!(world.lock().front_up("runai-01"));
}

#[tokio::test(start_paused = true)]
async fn exit_zero_over_a_crashed_api_server() {
    let world = world(recorded());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    ok(&world, "runai-01", "kubeadm config images pull --kubernetes-version v1.32.13").await;
    let started = Instant::now();
    let said = ok(&world, "runai-01", APPLY).await;
    let took = started.elapsed().as_secs_f64();
    in_order(&said, &written(PROXY));
    assert!((65.0..95.0).contains(&took), "{took}");
    assert!(!world.lock().front_up("runai-01"), "its own API server is dead");
    let s = world.lock();
    let c = s
        .node("runai-01")
        .containers
        .iter()
        .rev()
        .find(|c| c.name == "kube-apiserver" && !c.running())
        .unwrap();
    assert_eq!(c.exit, Some(1));
    assert!(
        c.log[0].ends_with("1 run.go:72] \"command failed\" err=\"--etcd-servers must be specified\""),
        "{}",
        c.log[0]
    );
    let pod = s.api.pods().find(|(k, _)| k.name == "kube-apiserver-runai-01").unwrap().1;
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], false);
}

#[tokio::test(start_paused = true)]
async fn crash_loop_backs_off_and_a_new_hash_starts_fresh() {
    let world = world(recorded());
    let path = format!("{DIR}/kube-apiserver.yaml");
    let text = world.disk("runai-01").text(&path);
    let broken: String =
        text.lines()
            .map(|l| {
                if l.contains("--etcd-servers=") {
                    "    - --etcd-servers=\n".into()
                } else {
                    format!("{l}\n")
                }
            })
            .collect();
    world.disk("runai-01").put_text(&path, &broken, 0o600).unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let crashes = world.effects().iter().filter(|e| matches!(e.what, What::ContainerCrash { .. })).count();
    assert_eq!(crashes, 4, "at about 10, 21, 41 and 81 s");
    world.disk("runai-01").put_text(&path, &text, 0o600).unwrap();
    let started = Instant::now();
    world.until(|s| s.front_up("runai-01")).await;
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retry_after_a_heal_waits_five_minutes_and_puts_the_old_one_back() {
    let world = world(recorded());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    heal_for_ever(&world, "runai-01");
    ok(&world, "runai-01", APPLY).await;
    world.until(|s| s.front_up("runai-01")).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let started = Instant::now();
    let ended = sh(&world, "runai-01", APPLY).await;
    let took = started.elapsed().as_secs_f64();
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let want = "error execution phase control-plane: couldn't complete the static pod upgrade: couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: static Pod hash for component kube-apiserver on Node runai-01 did not change after 5m0s: context deadline exceeded\nTo see the stack trace of this error execute with --v=5 or higher\n";
    assert_eq!(ended.stderr, want);
    assert!((300.0..320.0).contains(&took), "{took}");
    assert!(
        world
            .disk("runai-01")
            .text(&format!("{DIR}/kube-apiserver.yaml"))
            .contains("--etcd-servers=https://")
    );
}

/// What an agent does, as fast as it can be.
fn heal_for_ever(world: &Arc<World>, node: &str) {
    let disk = world.disk(node);
    let mut changes = disk.watch(std::path::Path::new(DIR)).unwrap();
    let servers = world.shape.etcd_endpoints().join(",");
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            let path = format!("{DIR}/kube-apiserver.yaml");
            let text = disk.text(&path);
            if text.contains("--etcd-servers=\n") {
                let healed = text.replace("--etcd-servers=\n", &format!("--etcd-servers={servers}\n"));
                disk.put_text(&path, &healed, 0o600).unwrap();
            }
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_heal_at_once_lets_kubeadm_wait_on_the_healed_pod() {
    let world = world(recorded());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    ok(&world, "runai-01", "kubeadm config images pull --kubernetes-version v1.32.13").await;
    heal_for_ever(&world, "runai-01");
    let (started, outage) = (Instant::now(), watch_outage(&world, "runai-01"));
    ok(&world, "runai-01", APPLY).await;
    let took = started.elapsed().as_secs_f64();
    assert!((55.0..85.0).contains(&took), "{took}");
    let away = outage.await.unwrap();
    assert!((30.0..50.0).contains(&away), "{away}");
    assert!(!world.effects().iter().any(|e| matches!(e.what, What::ContainerCrash { .. })));
}

#[tokio::test(start_paused = true)]
async fn one_control_plane_alone_rolls_back_after_five_minutes() {
    let world = world(Shape { control_planes: vec!["runai-01".into()], ..recorded() });
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    let ended = sh(&world, "runai-01", APPLY).await;
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("did not change after 5m0s"), "{}", ended.stderr);
    assert!(world.disk("runai-01").text(&format!("{DIR}/kube-apiserver.yaml")).contains("v1.31.14"));
}

#[tokio::test(start_paused = true)]
async fn node_and_worker_say_what_the_recordings_say() {
    let world = world(good());
    for node in ["runai-01", "runai-02", "runai-03", "dgx030"] {
        kubeadm_at(&world, node, "1.32.13-1.1").await;
    }
    ok(&world, "runai-01", APPLY).await;
    let second = ok(&world, "runai-02", "kubeadm upgrade node").await;
    assert!(second.contains(
        "Skipping upgrade of addons because control plane instances [runai-03] have not been upgraded"
    ));
    in_order(&ok(&world, "runai-03", "kubeadm upgrade node").await, &written(NODE));
    in_order(&ok(&world, "dgx030", "kubeadm upgrade node").await, &written(WORKER));
}

#[tokio::test(start_paused = true)]
async fn plan_and_diff_say_what_the_recordings_say() {
    let world = world(recorded());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    let plan = ok(&world, "runai-01", "kubeadm upgrade plan v1.32.13").await;
    let part = |from: &str, to: &str| PLAN.split(from).nth(1).unwrap().split(to).next().unwrap().to_string();
    in_order(&plan, &part("$ kubeadm upgrade plan v1.32.13\n", "rc=0"));
    let json = ok(&world, "runai-01", "kubeadm upgrade plan v1.32.13 -o json").await;
    let (got, want): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&json).unwrap(),
        serde_json::from_str(&part("plan v1.32.13 -o json\n", "rc=0")).unwrap(),
    );
    assert_eq!(got, want);
    let diff = ok(&world, "runai-01", "kubeadm upgrade diff v1.32.13").await;
    assert_eq!(diff, part("$ kubeadm upgrade diff v1.32.13\n", "rc=0"));
}

#[tokio::test(start_paused = true)]
async fn phases_and_refusals() {
    let world = world(good());
    kubeadm_at(&world, "runai-01", "1.32.13-1.1").await;
    let said =
        ok(&world, "runai-01", "kubeadm upgrade apply v1.32.13 --yes --skip-phases=addon,kubelet-config")
            .await;
    assert!(
        !said.contains("[upgrade/addon]")
            && !said.contains("[kubelet-start]")
            && said.contains("[kubelet] Creating a ConfigMap")
    );
    let cases = [
        (
            "kubeadm upgrade apply phase addon all",
            "missing one or more required arguments. Required arguments: [version]",
        ),
        ("kubeadm upgrade apply v1.32.13", "won't proceed; the user didn't answer (Y|y)"),
        (
            "kubeadm upgrade apply v1.33.1 --yes",
            "at least one minor release higher than the kubeadm minor release (33 > 32)",
        ),
    ];
    for (line, want) in cases {
        let ended = sh(&world, "runai-01", line).await;
        assert!(ended.code == 1 && ended.stderr.contains(want), "{line}: {}", ended.stderr);
    }
    let addons = ok(&world, "runai-01", "kubeadm upgrade apply phase addon all v1.32.13").await;
    assert!(
        addons.contains(
            "[addons] Applied essential addon: CoreDNS\n[addons] Applied essential addon: kube-proxy"
        )
    );
    ok(&world, "runai-01", "kubeadm upgrade node phase kubelet-config").await;
    world.disk("runai-02").remove(std::path::Path::new(&format!("{DIR}/kube-apiserver.yaml"))).unwrap();
    let as_worker = ok(&world, "runai-02", "kubeadm upgrade node").await;
    assert!(
        as_worker.contains("Skipping phase. Not a control plane node."),
        "a missing manifest makes it a worker"
    );
}
