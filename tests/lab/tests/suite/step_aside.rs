//! A control-plane node steps aside: what its rule does to whom, what it is worth in time, and what an API server answers in its first second.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{ok, recorded, sh, world};
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::Api;
use podlift_agent::host::{ClientPair, HttpTls};
use podlift_lab::World;
use podlift_lab::world::Warmth;
use podlift_lab::world::manifests::DIR;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const NODE: &str = "runai-01";
const SERVER: &str = "10.77.0.11:6443";

const TABLE: &str = r#"add table inet podlift_step_aside
delete table inet podlift_step_aside
table inet podlift_step_aside {
  set ports { type inet_service; flags timeout; elements = { 6443 timeout 600s } }
  chain input {
    type filter hook input priority -300; policy accept;
    iifname != "lo" tcp dport @ports tcp flags & (syn | ack) == syn reject with tcp reset comment "until then: a test"
  }
}
"#;

async fn aside(world: &Arc<World>, table: &str) {
    world.disk(NODE).put_text("/var/lib/podlift/step-aside.nft", table, 0o600).unwrap();
    ok(world, NODE, "nft -f /var/lib/podlift/step-aside.nft").await;
}

fn tls() -> HttpTls {
    let pki = "/etc/kubernetes/pki/runaicluster";
    HttpTls::ca(format!("{pki}/ca.crt")).with_client(Some(ClientPair {
        certificate: format!("{pki}/apiserver-kubelet-client.crt").into(),
        key: format!("{pki}/apiserver-kubelet-client.key").into(),
    }))
}

async fn read_from(world: &Arc<World>, node: &str) -> Result<u16, String> {
    let path = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";
    let disk = world.disk(node);
    for name in ["apiserver-kubelet-client.crt", "apiserver-kubelet-client.key"] {
        let at = format!("/etc/kubernetes/pki/runaicluster/{name}");
        disk.put_text(&at, "a pair", 0o600).unwrap();
    }
    let reply = world.host(node).http.get(SERVER, path, &tls()).await;
    reply.map(|(status, _)| status).map_err(|e| e.why)
}

#[tokio::test(start_paused = true)]
async fn others_are_refused_and_the_node_itself_is_not() {
    let world = world(recorded());
    aside(&world, TABLE).await;
    let others = read_from(&world, "runai-02").await.unwrap_err();
    assert!(others.contains("refused"), "{others}");
    assert_eq!(read_from(&world, NODE).await, Ok(200));
    // Behind the proxy nobody notices.
    let maps: Api<ConfigMap> = Api::namespaced(world.kube_client(), "kube-system");
    for _ in 0..9 {
        maps.get("kubeadm-config").await.unwrap();
    }
    let careless = TABLE.replace("iifname != \"lo\" ", "");
    aside(&world, &careless).await;
    assert!(read_from(&world, NODE).await.is_err(), "a rule that does not spare the node refuses it, too");
}

#[tokio::test(start_paused = true)]
async fn a_rule_ends_with_its_deadline_its_table_or_its_kernel() {
    let world = world(recorded());
    aside(&world, TABLE).await;
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(read_from(&world, "runai-02").await, Ok(200), "the element has expired");
    aside(&world, TABLE).await;
    ok(&world, NODE, "nft delete table inet podlift_step_aside").await;
    assert_eq!(read_from(&world, "runai-02").await, Ok(200));
    aside(&world, TABLE).await;
    world.power_cut(NODE);
    world.until(|s| s.front_up(NODE)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(read_from(&world, "runai-02").await, Ok(200), "rules do not outlive a boot");
}

#[tokio::test(start_paused = true)]
async fn nft_speaks_as_it_was_recorded() {
    let world = world(recorded());
    let absent = sh(&world, NODE, "nft -j list table inet podlift_step_aside").await;
    assert_eq!((absent.code, absent.stdout.as_str()), (1, ""));
    assert!(absent.stderr.contains("No such file or directory"), "{}", absent.stderr);
    let delete = "nft delete table inet podlift_step_aside";
    assert!(sh(&world, NODE, delete).await.stderr.contains("Could not process rule"));
    assert_eq!(sh(&world, NODE, "nft destroy table inet podlift_step_aside").await.code, 1);
    aside(&world, TABLE).await;
    let list: Value =
        serde_json::from_str(&ok(&world, NODE, "nft -j list table inet podlift_step_aside").await).unwrap();
    let all = list["nftables"].as_array().unwrap();
    let of = |kind: &str| all.iter().find(|v| !v[kind].is_null()).map(|v| v[kind].clone()).unwrap();
    assert_eq!(of("rule")["comment"], "until then: a test");
    assert_eq!(of("set")["elem"][0]["elem"]["val"], 6443);
    assert_eq!(of("chain")["prio"], -300);
    let right = &of("rule")["expr"][1]["match"]["right"];
    assert_eq!(right, "@ports");
    ok(&world, NODE, delete).await;
    let none: Value = serde_json::from_str(&ok(&world, NODE, "nft -j list tables").await).unwrap();
    assert_eq!(none["nftables"].as_array().unwrap().len(), 1);
    let workers = podlift_lab::doubles::tools(&world, "dgx030");
    assert!(!workers.contains(&"nft"), "{workers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_transient_timer_starts_its_service_unless_it_is_stopped() {
    let world = world(recorded());
    for stopped in [true, false] {
        aside(&world, TABLE).await;
        let run = "systemd-run --unit=podlift-back --on-active=90s nft delete table inet podlift_step_aside";
        ok(&world, NODE, run).await;
        assert_eq!(ok(&world, NODE, "systemctl is-active podlift-back.timer").await, "active\n");
        if stopped {
            ok(&world, NODE, "systemctl stop podlift-back.timer").await;
        }
        tokio::time::sleep(Duration::from_secs(91)).await;
        let gone = sh(&world, NODE, "nft -j list table inet podlift_step_aside").await.code == 1;
        assert_eq!(gone, !stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_second_of_an_api_server_is_503_and_then_403() {
    let world = world(recorded());
    let nodes: Api<Node> = Api::all(world.kube_client_at(NODE));
    nodes.get("dgx030").await.unwrap();
    let text = world.disk(NODE).text(&format!("{DIR}/kube-apiserver.yaml"));
    let changed = text.replace("    - kube-apiserver\n", "    - kube-apiserver\n    - --v=2\n");
    world.by_hand(NODE, "kube-apiserver.yaml", &changed).unwrap();
    world.until(|s| !s.front_up(NODE)).await;
    world.until(|s| s.front_up(NODE)).await;
    let ready = HttpTls::ca("/etc/kubernetes/pki/runaicluster/ca.crt");
    let mut seen = vec![];
    loop {
        let code = match nodes.get("dgx030").await {
            Ok(_) => 200,
            Err(kube::Error::Api(status)) => status.code,
            Err(other) => panic!("{other}"),
        };
        let (readyz, _) = world.host(NODE).http.get(SERVER, "/readyz", &ready).await.unwrap();
        if seen.last() != Some(&(code, readyz)) {
            seen.push((code, readyz));
        }
        if world.warmth(NODE) == Warmth::Serves {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(seen[..2], [(503, 500), (403, 200)], "{seen:?}");
    assert_eq!(nodes.get("dgx030").await.unwrap().metadata.name.as_deref(), Some("dgx030"));
}
