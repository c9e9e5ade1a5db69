//! apt, etcd, crictl, systemd and BCM doubles against the recordings and the facts.
#![allow(clippy::unwrap_used)] // a test may panic

use crate::common::{in_order, ok, recorded, sh, source, world};
use podlift_lab::{Fault, FaultAction, Shape};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::time::Duration;

const APT: &str = include_str!("../../../fixtures/transcripts/apt-transcript.txt");
const ETCD: &str = include_str!("../../../fixtures/transcripts/etcd-transcript.txt");

/// The recorded lines of one command.
fn part(command: &str) -> String {
    let rest = APT.split(&format!("{command}\n")).nth(1).unwrap();
    let lines = rest.lines().take_while(|l| !l.starts_with("rc=") && !l.starts_with('$'));
    lines.filter(|l| !l.starts_with("(Reading database")).map(|l| format!("{l}\n")).collect()
}

#[tokio::test(start_paused = true)]
async fn apt_as_recorded() {
    let world = world(recorded());
    let node = "dgx030";
    source(&world, node, "v1.32");
    in_order(&ok(&world, node, "apt-get update").await, &part("$ apt-get update"));
    let madison = ok(&world, node, "apt-cache madison kubeadm").await;
    assert_eq!(madison.lines().next(), part("$ apt-cache madison kubeadm").lines().next());
    assert_eq!(ok(&world, node, "apt-mark showhold").await, "kubeadm\nkubectl\nkubelet\n");
    let held = sh(&world, node, "apt-get install -y kubeadm=1.32.13-1.1").await;
    assert_eq!(held.code, 100);
    in_order(
        &format!("{}{}", held.stdout, held.stderr),
        &part("$ apt-get install -y kubeadm=1.32.13-1.1   (held)"),
    );
    in_order(
        &ok(&world, node, "apt-mark unhold kubeadm kubelet kubectl").await,
        &part("$ apt-mark unhold kubeadm kubelet kubectl"),
    );
    in_order(
        &ok(&world, node, "apt-get install -y kubeadm=1.32.13-1.1").await,
        &part("$ apt-get install -y kubeadm=1.32.13-1.1"),
    );
    assert_eq!(ok(&world, node, "apt-mark hold kubeadm").await, "kubeadm set on hold.\n");
    assert_eq!(
        ok(&world, node, "dpkg-query -W kubeadm kubelet").await,
        "kubeadm\t1.32.13-1.1\nkubelet\t1.31.14-1.1\n"
    );
    assert_eq!(ok(&world, node, "kubeadm version -o short").await, "v1.32.13\n");
}

#[tokio::test(start_paused = true)]
async fn apt_refusals_and_losses() {
    let world = world(Shape { conffile_changed: true, ..recorded() });
    let node = "dgx030";
    source(&world, node, "v1.32");
    ok(&world, node, "apt-get update").await;
    let cases = [
        ("apt-get install -y kubeadm=1.32.99-1.1", "E: Version '1.32.99-1.1' for 'kubeadm' was not found"),
        ("apt-get install -y kubeadmm=1.32.9-1.1", "E: Unable to locate package kubeadmm"),
        (
            "apt-get install -y --allow-change-held-packages kubelet=1.32.9-1.1",
            "end of file on stdin at conffile prompt",
        ),
    ];
    for (line, want) in cases {
        let ended = sh(&world, node, line).await;
        assert!(ended.code == 100 && ended.stderr.contains(want), "{line}: {}", ended.stderr);
    }
    let status = ok(&world, node, "dpkg-query -W -f=${db:Status-Status} kubelet").await;
    assert_eq!(status, "unpacked");
    ok(&world, node, "apt-get install -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold kubelet=1.32.9-1.1").await;
    assert_eq!(
        ok(&world, node, "dpkg-query -W -f=${Status} kubelet").await,
        "install ok installed",
        "the hold is gone"
    );
    let down = sh(&world, node, "apt-get install -y kubelet=1.32.1-1.1").await;
    assert!(down.stderr.contains("Packages were downgraded and -y was used without --allow-downgrades"));
    source(&world, node, "v1.40");
    assert_eq!(sh(&world, node, "apt-get update").await.code, 100);
}

#[tokio::test(start_paused = true)]
async fn dpkg_lock_is_waited_for_only_when_asked() {
    let world = world(recorded());
    world.hold_dpkg_lock("dgx030", Some("unattended-upgr"));
    let line = "apt-get install -y --allow-change-held-packages kubeadm=1.31.13-1.1 --allow-downgrades";
    let ended = sh(&world, "dgx030", line).await;
    assert!(
        ended.code == 100 && ended.stderr.contains("It is held by process 777 (unattended-upgr)"),
        "{}",
        ended.stderr
    );
    let other = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        other.hold_dpkg_lock("dgx030", None);
    });
    ok(&world, "dgx030", &format!("{line} -o DPkg::Lock::Timeout=300")).await;
    assert!(world.lock().node("dgx030").dpkg_lock.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_private_apt_root_stays_private() {
    let world = world(recorded());
    let dir = "/var/lib/podlift/apt-probe";
    let text = "deb [signed-by=/etc/apt/keyrings/kubernetes-apt-keyring.gpg] https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n";
    world.disk("dgx030").put_text(&format!("{dir}/sources.list"), text, 0o600).unwrap();
    let options = format!(
        "-o Dir::Etc::sourcelist={dir}/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::Lists={dir}/lists -o Dir::Cache={dir}/cache"
    );
    ok(&world, "dgx030", &format!("apt-get {options} update")).await;
    assert!(
        ok(&world, "dgx030", &format!("apt-cache {options} madison kubelet")).await.contains("1.32.9-1.1")
    );
    assert!(
        !ok(&world, "dgx030", "apt-cache madison kubelet").await.contains("1.32"),
        "the node's own lists are as before"
    );
}

#[tokio::test(start_paused = true)]
async fn etcd_speaks_json_and_its_snapshot_checks() {
    let world = world(recorded());
    let all = world.shape.etcd_endpoints().join(",");
    let want: Value = serde_json::from_str(ETCD.lines().nth(1).unwrap()).unwrap();
    let got: Value = serde_json::from_str(
        &ok(&world, "runai-01", &format!("etcdctl --endpoints={all} member list -w json")).await,
    )
    .unwrap();
    assert_eq!(got["members"], want["members"]);
    let status: Value = serde_json::from_str(
        &ok(&world, "runai-01", &format!("etcdctl --endpoints={all} endpoint status -w json")).await,
    )
    .unwrap();
    assert_eq!(status[0]["Status"]["leader"], want["members"][0]["ID"]);
    let wrong = sh(&world, "runai-01", &format!("etcdctl --endpoints={all} snapshot save /b/s.db")).await;
    assert_eq!(wrong.code, 1, "one endpoint only");
    ok(&world, "runai-01", "etcdctl --endpoints=https://10.77.0.11:2379 snapshot save /b/s.db").await;
    let bytes = world.disk("runai-01").read(Path::new("/b/s.db")).unwrap();
    let (db, sum) = bytes.split_at(bytes.len() - 32);
    assert_eq!((bytes.len() % 512, Sha256::digest(db).as_slice()), (32, sum));
    let shown: Value =
        serde_json::from_str(&ok(&world, "runai-01", "etcdutl snapshot status /b/s.db -w json").await)
            .unwrap();
    assert!(shown["revision"].as_u64().unwrap() > 2000);
    let hex = format!("{:x}", want["members"][1]["ID"].as_u64().unwrap());
    ok(&world, "runai-01", &format!("etcdctl --endpoints={all} move-leader {hex}")).await;
    world.power_cut("runai-02");
    let sick = sh(&world, "runai-01", &format!("etcdctl --endpoints={all} endpoint health -w json")).await;
    assert!(sick.code == 1 && sick.stdout.contains("\"health\":false"));
}

#[tokio::test(start_paused = true)]
async fn units_outlive_their_caller_and_keep_their_name() {
    let world = world(recorded());
    let line = "systemd-run --quiet --unit=podlift-op1.service --property=StandardOutput=append:/var/lib/podlift/ops/op1.log kubeadm version";
    ok(&world, "dgx030", line).await;
    world.until(|s| s.node("dgx030").units.is_empty()).await;
    assert!(world.disk("dgx030").text("/var/lib/podlift/ops/op1.log").starts_with("kubeadm version: "));
    world.add_fault(Fault::new("kubeadm", "version", FaultAction::Fail { code: 7, stderr: "no".into() }));
    ok(&world, "dgx030", &line.replace("op1", "op2")).await;
    world.until(|s| !s.node("dgx030").units["podlift-op2.service"].active).await;
    let shown = ok(
        &world,
        "dgx030",
        "systemctl show -p LoadState,ActiveState,Result,ExecMainStatus podlift-op2.service",
    )
    .await;
    assert_eq!(shown, "LoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainStatus=7\n");
    assert_eq!(
        sh(&world, "dgx030", &line.replace("op1", "op2")).await.code,
        1,
        "a failed unit keeps its name"
    );
    assert!(ok(&world, "dgx030", "systemctl show -p LoadState unknown.service").await.contains("not-found"));
}

#[tokio::test(start_paused = true)]
async fn crictl_knows_the_containers() {
    let world = world(recorded());
    let list: Value =
        serde_json::from_str(&ok(&world, "runai-01", "crictl ps -a --name kube-apiserver -o json").await)
            .unwrap();
    let id = list["containers"][0]["id"].as_str().unwrap();
    let v: Value =
        serde_json::from_str(&ok(&world, "runai-01", &format!("crictl inspect {id}")).await).unwrap();
    assert_eq!(v["status"]["image"]["image"], "registry.k8s.io/kube-apiserver:v1.31.14");
    assert!(
        v["info"]["runtimeSpec"]["process"]["args"]
            .as_array()
            .unwrap()
            .iter()
            .any(|a| a == "--secure-port=6443")
    );
    ok(&world, "runai-01", "crictl pull registry.k8s.io/kube-apiserver:v1.32.9").await;
    assert_eq!(sh(&world, "runai-01", "crictl pull registry.k8s.io/kube-apiserver:v1.32.99").await.code, 1);
}

#[tokio::test(start_paused = true)]
async fn kubelet_restart_and_power_cut() {
    let world = world(recorded());
    source(&world, "dgx030", "v1.32");
    ok(&world, "dgx030", "apt-get update").await;
    ok(&world, "dgx030", "apt-get install -y --allow-change-held-packages kubelet=1.32.13-1.1").await;
    let shown = |w: &podlift_lab::World| w.snapshot().nodes["dgx030"].kubelet.clone().unwrap();
    assert_eq!(shown(&world), "v1.31.14", "the process is the old one");
    ok(&world, "dgx030", "systemctl restart kubelet").await;
    world.until(|s| s.node("dgx030").kubelet.ready).await;
    assert_eq!(shown(&world), "v1.32.13");
    let host = world.host("runai-01");
    world.power_cut("runai-01");
    assert!(host.files.read(Path::new("/etc/machine-id")).is_err(), "a host of the boot before is dead");
    assert!(!world.lock().front_up("runai-01"));
    world.until(|s| s.front_up("runai-01")).await;
    assert!(world.lock().etcd.members.iter().all(|m| m.up));
}

#[tokio::test(start_paused = true)]
async fn bcm_tools_keep_what_is_committed() {
    let world = world(recorded());
    let env = Default::default();
    let cmsh = |script: &str| vec!["-q".to_string(), "-n".into(), "-c".into(), script.to_string()];
    let call = |script: &str| {
        podlift_lab::doubles::run(&world, podlift_lab::HEAD_NODE, "cmsh", &cmsh(script).leak()[..], &env)
    };
    assert_eq!(call("kubernetes; get version").await.unwrap().stdout, "1.31.14-1.1\n");
    call("kubernetes; set version 1.32.13-1.1").await.unwrap();
    assert_eq!(
        call("kubernetes; get version").await.unwrap().stdout,
        "1.31.14-1.1\n",
        "nothing was committed"
    );
    call("kubernetes; set version 1.32.13-1.1; commit").await.unwrap();
    assert_eq!(call("kubernetes; get version").await.unwrap().stdout, "1.32.13-1.1\n");
}
