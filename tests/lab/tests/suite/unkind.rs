//! Doubles where the world is unkind: two etcd clusters, sandboxes with the kubelet's hash, 401 without credentials, flags that a version
//! does not know, checks that stop an apply before it writes.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{kubeadm_at, ok, recorded, sh, world};
use podlift_agent::host::{ClientPair, HttpTls};
use podlift_lab::objects::Key;
use podlift_lab::world::manifests::DIR;
use podlift_lab::{Shape, World};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const NODE: &str = "runai-01";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn etcdctl(endpoints: &str, rest: &str) -> String {
    format!("etcdctl --endpoints={endpoints} {rest} -w json")
}

#[tokio::test(start_paused = true)]
async fn each_endpoint_answers_as_its_own_cluster() {
    let world = world(recorded());
    let new = world.restore_etcd(12_379);
    let (a, b) = ("https://10.77.0.11:2379", new[0].as_str());
    assert_eq!(b, "https://10.77.0.11:12379");
    let status = json(&ok(&world, NODE, &etcdctl(&format!("{a},{b}"), "endpoint status")).await);
    let id = |v: &Value| v["Status"]["header"]["cluster_id"].as_u64().unwrap();
    assert_eq!(status[1]["Endpoint"], b);
    assert_ne!(id(&status[0]), id(&status[1]));
    for (list, first) in [(format!("{a},{b}"), 0), (format!("{b},{a}"), 1)] {
        let members = json(&ok(&world, NODE, &etcdctl(&list, "member list")).await);
        assert_eq!(members["header"]["cluster_id"].as_u64().unwrap(), id(&status[first]), "{list}");
        assert_eq!(members["members"].as_array().unwrap().len(), 3);
    }
    let whole = json(&ok(&world, NODE, &etcdctl(b, "endpoint status --cluster")).await);
    assert!(whole.as_array().unwrap().iter().all(|s| s["Endpoint"].as_str().unwrap().ends_with(":12379")));
    let nobody = sh(&world, NODE, &etcdctl("https://10.77.0.99:2379", "member list")).await;
    assert_eq!((nobody.code, nobody.stdout.as_str()), (1, ""));
    let half = sh(&world, NODE, &etcdctl(&format!("{b},http://10.77.0.12:12379"), "endpoint status")).await;
    assert_eq!((half.code, json(&half.stdout).as_array().unwrap().len()), (1, 1));
    ok(&world, NODE, &format!("etcdctl --endpoints={b} snapshot save /root/b.db")).await;
    let moved = sh(&world, NODE, &format!("etcdctl --endpoints={a} move-leader 1")).await;
    assert_eq!(moved.code, 1);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_runs_on_the_store_that_its_flags_name() {
    let world = world(recorded());
    let endpoints = world.restore_etcd(12_379).join(",");
    world.point_by_hand(NODE, &endpoints).unwrap();
    world.until(|s| !s.splits.is_empty()).await;
    assert!(world.wrong_stores().is_empty(), "a person made this split");
    let store = |node: &str| world.lock().store_name(node);
    let (mine, other) = (store(NODE), store("runai-02"));
    assert!(mine.is_some() && mine != other, "{mine:?} {other:?}");
    world.update(|s| s.etcd.members.iter_mut().for_each(|m| m.up = false));
    assert_eq!(world.lock().fronts(), [NODE], "the others are without their etcd");
    world.point_by_hand(NODE, "https://10.77.0.99:2379").unwrap();
    world.until(|s| s.fronts().is_empty()).await;
    // As an agent would, through its port.
    let host = world.host("runai-02");
    let path = std::path::Path::new(DIR).join("kube-apiserver.yaml");
    let text = world.disk("runai-02").text(&path.display().to_string());
    host.files.write(&path, format!("{text}# a word\n").as_bytes(), 0o600).unwrap();
    assert_eq!(world.wrong_stores().len(), 1, "{:?}", world.wrong_stores());
}

async fn pods(world: &Arc<World>) -> Vec<Value> {
    let list = json(&ok(world, NODE, "crictl pods --name kube-apiserver -o json").await);
    list["items"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_carries_the_hash_of_the_manifest_that_it_was_made_from() {
    let world = world(recorded());
    let before = pods(&world).await;
    let hash = |pod: &Value| pod["annotations"]["kubernetes.io/config.hash"].as_str().unwrap().to_string();
    assert_eq!((before.len(), before[0]["state"].as_str()), (1, Some("SANDBOX_READY")));
    assert_eq!(before[0]["annotations"]["kubernetes.io/config.source"], "file");
    let running = json(&ok(&world, NODE, "crictl ps -a --name kube-apiserver -o json").await);
    assert_eq!(running["containers"][0]["podSandboxId"], before[0]["id"]);
    // The same meaning, written otherwise: nothing restarts.
    let path = format!("{DIR}/kube-apiserver.yaml");
    let text = world.disk(NODE).text(&path);
    world.by_hand(NODE, "kube-apiserver.yaml", &format!("# by hand\n{text}---\n")).unwrap();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(pods(&world).await, before);
    world
        .by_hand(NODE, "kube-apiserver.yaml", &text.replace("--secure-port=6443", "--secure-port=6444"))
        .unwrap();
    world
        .until(|s| {
            s.node(NODE)
                .container("kube-apiserver")
                .is_some_and(|c| c.args.iter().any(|a| a.ends_with("6444")))
        })
        .await;
    let after = pods(&world).await;
    assert_eq!((after.len(), after[1]["state"].as_str()), (2, Some("SANDBOX_NOTREADY")));
    assert_ne!(hash(&after[0]), hash(&before[0]));
    // What it cannot read goes with the next look at the whole folder.
    world.by_hand(NODE, "kube-apiserver.yaml", "kind: [\n").unwrap();
    world.until(|s| s.node(NODE).container("kube-apiserver").is_some_and(|c| !c.running())).await;
}

const CASE_28: &str = include_str!("../../../fixtures/cases/28-m08-second-container/kube-apiserver.yaml");

#[tokio::test(start_paused = true)]
async fn a_second_container_is_beside_the_component_in_one_sandbox() {
    let world = world(recorded());
    let text = CASE_28.replace("http://[fd00:77::21]:2379", &world.newest_etcd());
    world.by_hand(NODE, "kube-apiserver.yaml", &text).unwrap();
    world.until(|s| s.node(NODE).container("kms-plugin").is_some()).await;
    let all = json(&ok(&world, NODE, "crictl ps -o json").await);
    let all = all["containers"].as_array().unwrap();
    let of = |name: &str| all.iter().find(|c| c["metadata"]["name"] == name).unwrap().clone();
    assert_eq!(of("kms-plugin")["podSandboxId"], of("kube-apiserver")["podSandboxId"]);
    assert_eq!(of("kms-plugin")["labels"]["io.kubernetes.pod.name"], "kube-apiserver-runai-01");
    let inspect =
        ok(&world, NODE, &format!("crictl inspect {}", of("kube-apiserver")["id"].as_str().unwrap())).await;
    assert!(inspect.contains("--etcd-servers=") && !inspect.contains("--listen="), "{inspect}");
    kubeadm_at(&world, NODE, "1.32.13-1.1").await;
    let diff = ok(&world, NODE, "kubeadm upgrade diff v1.32.13").await;
    for line in ["-  - name: kms-plugin\n", "-    - --listen=unix:///var/run/kms/sock\n", "-    - --v=4\n"] {
        assert!(diff.contains(line), "{line}{diff}");
    }
}

async fn asked(world: &Arc<World>, endpoint: &str, path: &str, tls: &HttpTls) -> Result<u16, String> {
    world.host(NODE).http.get(endpoint, path, tls).await.map(|(status, _)| status).map_err(|e| e.why)
}

const CONFIG: &str = include_str!("../../../fixtures/cases/11-anonymous-auth-false/authentication.yaml");

#[tokio::test(start_paused = true)]
async fn who_shows_nothing_is_told_401_where_anonymous_is_off() {
    let world = world(recorded());
    let server = "10.77.0.11:6443";
    let pki = "/etc/kubernetes/pki/runaicluster";
    let anonymous = HttpTls::ca(format!("{pki}/ca.crt"));
    let pair = |name: &str| ClientPair {
        certificate: format!("{pki}/{name}.crt").into(),
        key: format!("{pki}/{name}.key").into(),
    };
    let known = anonymous.clone().with_client(Some(pair("apiserver-kubelet-client")));
    assert_eq!(asked(&world, server, "/readyz?verbose", &anonymous).await, Ok(200));
    let text = world.disk(NODE).text(&format!("{DIR}/kube-apiserver.yaml"));
    world.disk(NODE).put_text("/etc/kubernetes/authentication.yaml", CONFIG, 0o600).unwrap();
    let flags = ["--anonymous-auth=false", "--authentication-config=/etc/kubernetes/authentication.yaml"];
    for (flag, livez) in flags.into_iter().zip([401, 200]) {
        let line = format!("    - kube-apiserver\n    - {flag}\n");
        world.by_hand(NODE, "kube-apiserver.yaml", &text.replace("    - kube-apiserver\n", &line)).unwrap();
        let runs = |s: &podlift_lab::State| {
            s.node(NODE)
                .container("kube-apiserver")
                .is_some_and(|c| c.listening && c.args.iter().any(|a| a == flag))
        };
        world.until(runs).await;
        crate::common::warm(&world).await;
        assert_eq!(asked(&world, server, "/readyz?verbose", &anonymous).await, Ok(401), "{flag}");
        assert_eq!(asked(&world, server, "/livez", &anonymous).await, Ok(livez), "{flag}");
        assert_eq!(asked(&world, server, "/readyz?verbose", &known).await, Ok(200), "{flag}");
    }
    let nobodys = anonymous.with_client(Some(pair("not-there")));
    assert!(asked(&world, server, "/readyz", &nobodys).await.unwrap_err().contains("not-there.crt"));
}

#[tokio::test(start_paused = true)]
async fn components_answer_on_their_own_loopback_and_die_with_their_container() {
    let world = world(recorded());
    let own = HttpTls::own_loopback();
    for (component, endpoint) in
        [("kube-controller-manager", "127.0.0.1:10257"), ("kube-scheduler", "127.0.0.1:10259")]
    {
        assert_eq!(asked(&world, endpoint, "/healthz", &own).await, Ok(200), "{component}");
        let ca = HttpTls::ca("/etc/kubernetes/pki/runaicluster/ca.crt");
        assert!(asked(&world, endpoint, "/healthz", &ca).await.unwrap_err().contains("certificate"));
        let elsewhere = endpoint.replace("127.0.0.1", "10.77.0.11");
        assert!(asked(&world, &elsewhere, "/healthz", &own).await.is_err(), "it listens on the loopback");
        let file = format!("{component}.yaml");
        let text = world.disk(NODE).text(&format!("{DIR}/{file}"));
        let broken = text.replace(
            &format!("    - {component}\n"),
            &format!("    - {component}\n    - --feature-gates=NoSuchGate=true,KMSv2=true\n"),
        );
        world.by_hand(NODE, &file, &broken.replace("v1.31.14", "v1.32.13")).unwrap();
        world.until(|s| s.node(NODE).container(component).is_some_and(|c| c.exit == Some(1))).await;
        assert!(
            asked(&world, endpoint, "/healthz", &own).await.unwrap_err().contains("refused"),
            "{component}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_kubeadm_without_phases_knows_no_flag_for_them() {
    let world = world(Shape { empty_endpoints: false, from: "v1.31.5".parse().unwrap(), ..recorded() });
    let phases = sh(&world, NODE, "kubeadm upgrade apply v1.31.9 --yes --skip-phases=addon").await;
    assert_eq!(phases.code, 1);
    assert!(phases.stderr.starts_with("unknown flag: --skip-phases\n"), "{}", phases.stderr);
    for line in [
        "kubeadm upgrade apply phase addon all v1.31.9",
        "kubeadm upgrade node phase addon all",
        "kubeadm upgrade node --skip-phases=addon",
        "kubeadm upgrade apply v1.31.9 --yes --no-such-flag",
    ] {
        assert_eq!(sh(&world, NODE, line).await.code, 1, "{line}");
    }
    world.update(|s| s.node_mut(NODE).packages.get_mut("kubeadm").unwrap().version = "1.31.9-1.1".into());
    let kept = "kubeadm upgrade apply v1.31.9 --yes --certificate-renewal=false --ignore-preflight-errors=CoreDNSMigration";
    let said = ok(&world, NODE, kept).await;
    assert!(!said.contains("Renewing"), "{said}");
    let addons: Vec<_> = said.lines().filter(|l| l.contains("Skipping upgrade of addons")).collect();
    assert_eq!(addons.len(), 2, "addons go with apply, by the last node: {said}");
}

const CASE_9: &str = include_str!("../../../fixtures/cases/09-coredns-cannot-migrate/coredns.yaml");

#[tokio::test(start_paused = true)]
async fn a_coredns_that_cannot_migrate_stops_apply_before_it_writes() {
    let world = world(Shape { empty_endpoints: false, ..recorded() });
    let objects: Vec<Value> = serde_saphyr::from_multiple(CASE_9).unwrap();
    let deployment = Key::new("apps", "deployments", "kube-system", "coredns");
    world.update(|s| {
        s.api.change(&deployment, |v| json_patch::merge(v, &objects[0]));
        s.api.change(&Key::config_map("coredns"), |v| json_patch::merge(v, &objects[1]));
    });
    kubeadm_at(&world, NODE, "1.32.13-1.1").await;
    let written = world.written().len();
    let apply = "kubeadm upgrade apply v1.32.13 --yes --skip-phases=addon,kubelet-config";
    let refused = sh(&world, NODE, apply).await;
    assert_eq!(refused.code, 1);
    for error in
        ["[ERROR CoreDNSMigration]: CoreDNS will not be upgraded", "[ERROR CoreDNSUnsupportedPlugins]"]
    {
        assert!(refused.stderr.contains(error), "{}", refused.stderr);
    }
    assert_eq!(world.written().len(), written, "nothing was written");
    let half = format!("{apply} --ignore-preflight-errors=CoreDNSMigration");
    assert_eq!(sh(&world, NODE, &half).await.code, 1);
    ok(
        &world,
        NODE,
        &format!("{apply} --ignore-preflight-errors=CoreDNSMigration,CoreDNSUnsupportedPlugins"),
    )
    .await;
}

const CASE_3: &str =
    include_str!("../../../fixtures/cases/03-service-account-issuer-order/kubeadm-config.yaml");

#[tokio::test(start_paused = true)]
async fn issuers_change_places_from_1_32_12_on() {
    let world = world(recorded());
    let map: Value = serde_saphyr::from_str(CASE_3).unwrap();
    world.update(|s| s.api.change(&Key::config_map("kubeadm-config"), |v| v["data"] = map["data"].clone()));
    let order = |diff: &str| -> Vec<String> {
        let added = diff.lines().filter_map(|l| l.strip_prefix("+    - --service-account-issuer="));
        added.map(|l| l.split('.').next().unwrap_or_default().to_string()).collect()
    };
    for (version, want) in [
        ("1.32.11", ["https://kubernetes", "https://tokens"]),
        ("1.32.12", ["https://tokens", "https://kubernetes"]),
    ] {
        kubeadm_at(&world, NODE, &format!("{version}-1.1")).await;
        let text = world.disk(NODE).text(&format!("{DIR}/kube-apiserver.yaml"));
        let text: String = text.lines().filter(|l| !l.contains("issuer")).map(|l| format!("{l}\n")).collect();
        world.by_hand(NODE, "kube-apiserver.yaml", &text).unwrap();
        let diff = ok(&world, NODE, &format!("kubeadm upgrade diff v{version}")).await;
        assert_eq!(order(&diff), want, "{version}: {diff}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_imaged_again_is_another_one() {
    let world = world(Shape { image_machine: true, ..recorded() });
    let seen = |node: &str| world.lock().api.get(&Key::node(node)).unwrap()["status"]["nodeInfo"].clone();
    assert_eq!(seen("dgx030")["machineID"], seen("dgx031")["machineID"], "clones of one image");
    assert_ne!(seen("dgx030")["bootID"], seen("dgx031")["bootID"]);
    let before = seen("dgx030");
    world.image_again("dgx030");
    world.until(|s| s.node("dgx030").kubelet.ready).await;
    let (after, id) = (seen("dgx030"), world.disk("dgx030").text("/etc/machine-id"));
    assert_ne!((&after["machineID"], &after["bootID"]), (&before["machineID"], &before["bootID"]));
    assert_eq!(after["machineID"], id.trim());
    let second = world.second_machine("dgx031");
    let id = String::from_utf8(second.files.read(std::path::Path::new("/etc/machine-id")).unwrap()).unwrap();
    assert_ne!(seen("dgx031")["machineID"], id.trim());
}
