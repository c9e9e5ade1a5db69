//! Ops on a node in memory, each through its own `observe` and `apply`.

mod aside;
mod components;
mod images;
mod kubeadm;
mod kubelet;
mod pods;
mod stores;

use super::*;
use crate::look;
use crate::testing::{BOOT, Bench, EMPTY_API, LIVE_API, exited, line, said};
use podlift_host::paths;
use podlift_host::{CommandError, Files as _, Invocation, Output};
use podlift_model::op::{Addon, Component};
use podlift_model::{Digest, Look, RunId};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex};

const LIST: &str = "deb [signed-by=/etc/apt/keyrings/k.gpg] https://pkgs.k8s.io/core:/stable:/v1.31/deb/ /\n";

fn bench(answer: impl Fn(&Invocation) -> Result<Output, CommandError> + Send + Sync + 'static) -> Bench {
    let bench = Bench::new(answer).control_plane();
    bench.files.put(paths::APT_SOURCE, LIST.as_bytes());
    bench
}

fn nothing(_: &Invocation) -> Result<Output, CommandError> {
    exited(1, "nothing here")
}

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn accepted(node: &Node, op: HostOp) -> Accepted {
    Accepted {
        op,
        epoch: podlift_model::Epoch { number: 1, instance: "a".parse().unwrap() },
        boot: BOOT.parse().unwrap(),
        at: node.host.clock.now(),
        since_boot: node.host.clock.since_boot(),
    }
}

/// Observes, applies, and returns the result.
async fn act(node: &Arc<Node>, op: HostOp) -> Result<Applied, Failure> {
    let accepted = accepted(node, op.clone());
    let op_id = OpId::new("op-1").unwrap();
    let cx = Cx { node, op_id: &op_id, accepted: &accepted };
    let op = implementation(&op);
    match op.observe(&cx).await? {
        Some(output) => Ok(Applied::Done(output)),
        None => op.apply(&cx).await,
    }
}

async fn done(node: &Arc<Node>, op: HostOp) -> OpOutput {
    match act(node, op).await {
        Ok(Applied::Done(output)) => output,
        Ok(Applied::Unit(spec)) => panic!("{spec:?}"),
        Err(failure) => panic!("{failure:?}"),
    }
}

async fn fails(node: &Arc<Node>, op: HostOp) -> Failure {
    act(node, op).await.err().expect("a failure")
}

#[tokio::test(start_paused = true)]
async fn apt_source_changes_the_minor_only_and_once() {
    let b = bench(nothing);
    let (node, minor) = (b.node(), "v1.32".parse().unwrap());
    assert!(matches!(done(&node, HostOp::AptSource { minor }).await, OpOutput::Changed(_)));
    assert_eq!(b.files.text(paths::APT_SOURCE), LIST.replace("v1.31", "v1.32"));
    assert!(matches!(done(&node, HostOp::AptSource { minor }).await, OpOutput::Unchanged(_)));
    b.files.put(paths::APT_SOURCE, LIST.replace("[", "[trusted=yes ").as_bytes());
    let refused = fails(&node, HostOp::AptSource { minor }).await;
    assert!(refused.code == "apt-source" && refused.message.contains("trusted=yes"), "{}", refused.message);
}

#[tokio::test(start_paused = true)]
async fn kubeadm_is_refused_where_a_manifest_is_missing() {
    let b = bench(nothing);
    let node = b.node();
    let to = "v1.32.9".parse().unwrap();
    assert!(matches!(
        act(&node, HostOp::KubeadmNode { skip: vec![], whole: false }).await,
        Ok(Applied::Unit(_))
    ));
    b.files.remove(&paths::manifest(Component::KubeScheduler)).unwrap();
    for op in [
        HostOp::KubeadmNode { skip: vec![], whole: false },
        HostOp::KubeadmApply { ignore: vec![], to, skip: vec![], whole: false },
        HostOp::KubeletConfig,
    ] {
        let failure = fails(&node, op).await;
        assert!(
            failure.code == "manifest-missing" && failure.message.contains("kube-scheduler.yaml"),
            "{}",
            failure.message
        );
    }
    let worker = Bench::new(nothing);
    assert!(matches!(
        act(&worker.node(), HostOp::KubeadmNode { skip: vec![], whole: false }).await,
        Ok(Applied::Unit(_))
    ));
    let addons = HostOp::KubeadmAddons { to, addons: vec![Addon::Coredns] };
    assert_eq!(fails(&worker.node(), addons).await.code, "not-control-plane");
}

#[tokio::test(start_paused = true)]
async fn what_the_node_and_the_plan_say_reaches_kubeadm_and_the_guard() {
    let mut b = bench(nothing);
    b.config.ops.certificate_renewal = false;
    let (node, to) = (b.node(), "v1.32.9".parse().unwrap());
    let ignore = vec![podlift_model::op::Preflight::CoreDnsMigration];
    let apply = HostOp::KubeadmApply { to, skip: vec![], ignore, whole: false };
    let Ok(Applied::Unit(spec)) = act(&node, apply).await else { panic!() };
    let args = spec.args.join(" ");
    assert!(args.contains("--ignore-preflight-errors=CoreDNSMigration"), "{args}");
    assert!(args.contains("--certificate-renewal=false"), "{args}");
    assert_eq!(spec.limit, Some(std::time::Duration::from_secs(3600)));
    let Ok(Applied::Unit(spec)) = act(&node, HostOp::KubeadmNode { skip: vec![], whole: false }).await else {
        panic!()
    };
    assert!(spec.args.contains(&"--certificate-renewal=false".to_string()), "{:?}", spec.args);
    let flag = "audit-log-path".parse().unwrap();
    let allow = vec![podlift_model::op::FlagLoss { component: Component::KubeApiserver, flag }];
    let arm = HostOp::GuardArm { run: run(), seconds: 60, allow: allow.clone() };
    let OpOutput::Changed(line) = done(&node, arm.clone()).await else { panic!() };
    assert_eq!(line, "guard armed for 60 s; may go: --audit-log-path of kube-apiserver");
    assert_eq!(node.heal.facts().guard.unwrap().allow, allow);
    // The ledger returns the op as it was accepted.
    let (op, accepted) = (OpId::new("op-9").unwrap(), accepted(&node, arm.clone()));
    node.ledger.accept(&op, &accepted).unwrap();
    assert_eq!(b.node().ledger.open_ops()[0].accepted.op, arm);
}

#[tokio::test(start_paused = true)]
async fn a_control_plane_by_its_role_has_all_manifests_or_is_refused() {
    let mut b = Bench::new(nothing);
    b.config.role = Some(crate::config::Role::ControlPlane);
    b.files.put(paths::manifest(Component::KubeScheduler), b"x");
    let node = b.node();
    b.files.remove(&paths::manifest(Component::KubeScheduler)).unwrap();
    let failure = fails(&node, HostOp::KubeadmNode { skip: vec![], whole: false }).await;
    assert_eq!(failure.code, "manifest-missing");
}

#[tokio::test(start_paused = true)]
async fn facts_say_what_machine_it_is_and_to_whom_it_encrypts() {
    let mut b = bench(nothing);
    let to = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    b.config.backup.recipients = vec![to.parse().unwrap()];
    b.config.ops.certificate_renewal = false;
    let Ok(OpOutput::Facts(facts)) = look::look(&b.node(), &Look::Facts).await else { panic!() };
    assert_eq!(facts.machine.unwrap().as_str(), "machine-1");
    assert_eq!((facts.recipients, facts.certificate_renewal), (vec![to.to_string()], false));
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_made_once_and_a_restore_takes_only_its_own() {
    let b = bench(nothing);
    b.files.put(paths::KUBELET_CONFIG, b"kind: KubeletConfiguration\n");
    let node = b.node();
    let OpOutput::Backup(first) = done(&node, HostOp::ManifestBackup { run: run() }).await else { panic!() };
    assert_eq!(first.files.len(), 4);
    assert_eq!(first.files["kube-apiserver.yaml"], Digest::of(LIVE_API));
    let api = paths::manifest(Component::KubeApiserver);
    b.files.put(&api, EMPTY_API.as_bytes());
    let OpOutput::Backup(again) = done(&node, HostOp::ManifestBackup { run: run() }).await else { panic!() };
    assert_eq!(again, first, "never made anew");
    let restore = |hash| HostOp::ManifestRestore { component: Component::KubeApiserver, sha256: hash };
    assert_eq!(fails(&node, restore(Digest::of(EMPTY_API.replace("a", "b")))).await.code, "copy-unknown");
    done(&node, restore(Digest::of(LIVE_API))).await;
    assert_eq!(b.files.text(&api), LIVE_API);
    b.files.remove(&api).unwrap();
    done(&node, restore(Digest::of(LIVE_API))).await;
    assert!(matches!(done(&node, restore(Digest::of(LIVE_API))).await, OpOutput::Unchanged(_)));
}

#[tokio::test(start_paused = true)]
async fn a_person_accepts_what_was_looked_at_and_has_the_rest_repaired() {
    let b = bench(nothing);
    let (node, component) = (b.node(), Component::KubeApiserver);
    let servers = "https://10.77.0.11:2379".into();
    let learned = podlift_heal::Learned { servers, ..Default::default() };
    node.heal.learned(learned, &Digest::of(LIVE_API)).unwrap();
    let api = paths::manifest(component);
    let moved = LIVE_API.replacen("    - --advertise", "    - --v=2\n    - --advertise", 1);
    b.files.put(&api, moved.as_bytes());
    let accept = |text: &str| HostOp::HealAccept { component, sha256: Digest::of(text) };
    let refused = fails(&node, accept(LIVE_API)).await;
    assert!(refused.code == "heal-refused" && refused.message.contains("it changed"), "{}", refused.message);
    assert!(matches!(done(&node, accept(&moved)).await, OpOutput::Changed(_)));
    assert_eq!(b.files.text(&api), moved, "accepting writes no manifest");
    let OpOutput::Changed(line) = done(&node, HostOp::HealApply { component }).await else { panic!() };
    assert_eq!(line, "1 repair of kube-apiserver.yaml", "the site's gate");
    assert!(!b.files.text(&api).contains("MaxUnavailable"));
    assert!(matches!(done(&node, HostOp::HealApply { component }).await, OpOutput::Unchanged(_)));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_backup_is_completed_and_keeps_what_it_had() {
    let b = bench(nothing);
    let copy = paths::backup(&run()).join("kube-apiserver.yaml");
    b.files.put(&copy, b"the copy from before\n");
    let OpOutput::Backup(state) = done(&b.node(), HostOp::ManifestBackup { run: run() }).await else {
        panic!()
    };
    assert_eq!(state.files["kube-apiserver.yaml"], Digest::of("the copy from before\n"));
    assert_eq!(state.files.len(), 3);
}

fn etcd(call: &Invocation) -> Result<Output, CommandError> {
    let member = |id: u64, n: u32| {
        format!(r#"{{"ID":{id},"name":"runai-0{n}","clientURLs":["https://10.77.0.1{n}:2379"]}}"#)
    };
    let status = |id: u64, n: u32| {
        format!(
            r#"{{"Endpoint":"https://10.77.0.1{n}:2379","Status":{{"header":{{"cluster_id":10,"member_id":{id},"revision":7}},"version":"3.5.26","leader":1}}}}"#
        )
    };
    let text = line(call);
    let has = |word: &str| text.contains(word);
    match () {
        () if has("member list") => said(&format!(r#"{{"header":{{"cluster_id":10}},"members":[{},{}]}}"#, member(1, 1), member(2, 2))),
        () if has("endpoint status") => said(&format!("[{},{}]", status(1, 1), status(2, 2))),
        () if has("endpoint health") => Ok(Output {
            code: 1,
            stdout: r#"[{"endpoint":"https://10.77.0.11:2379","health":true},{"endpoint":"https://10.77.0.12:2379","health":false,"error":"deadline"}]"#.into(),
            stderr: "Error: unhealthy cluster".into(),
        }),
        () if has("alarm list") => said(r#"{"header":{"cluster_id":10},"alarms":[{"memberID":2,"alarm":1}]}"#),
        () if has("snapshot restore") => said(""),
        () if has("snapshot status") => said(r#"{"hash":1,"revision":4107,"totalKey":2,"totalSize":3}"#),
        () => nothing(call),
    }
}

#[tokio::test(start_paused = true)]
async fn etcd_health_names_every_member() {
    let b = bench(etcd);
    let Ok(OpOutput::Etcd(state)) = look::look(&b.node(), &Look::EtcdHealth).await else { panic!() };
    assert_eq!(
        (state.cluster.as_str(), state.alarms.as_slice()),
        ("a", ["runai-02: NOSPACE".to_string()].as_slice())
    );
    let [first, second] = state.members.as_slice() else { panic!("{state:?}") };
    assert_eq!((first.healthy, first.leader, first.local, first.revision), (true, true, true, 7));
    assert_eq!(
        (second.healthy, second.leader, second.local, second.error.as_deref()),
        (false, false, false, Some("deadline"))
    );
    let alone = fails(&b.node(), HostOp::EtcdMoveLeader).await;
    assert_eq!(alone.code, "etcd-no-other-member");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_verified_natively_and_never_made_anew() {
    let b = bench(etcd);
    let node = b.node();
    let path = paths::backup(&run()).join("etcd.db");
    let Ok(Applied::Unit(spec)) = act(&node, HostOp::EtcdSnapshot { run: run() }).await else { panic!() };
    assert_eq!(spec.args[0], "--endpoints=https://10.77.0.11:2379", "one healthy endpoint");
    assert_eq!(spec.args.last().map(String::as_str), path.to_str());
    let body = vec![7; 1024];
    let whole = [body.as_slice(), Sha256::digest(&body).as_slice()].concat();
    b.files.put(&path, &whole);
    let OpOutput::Backup(state) = done(&node, HostOp::EtcdSnapshot { run: run() }).await else { panic!() };
    let snapshot = state.snapshot.unwrap();
    assert_eq!((snapshot.verified, snapshot.revision, snapshot.bytes), (true, 4107, 1056));
    b.files.put(&path, &body);
    assert_eq!(fails(&node, HostOp::EtcdSnapshot { run: run() }).await.code, "snapshot-damaged");
    let Ok(OpOutput::Backup(state)) = look::look(&node, &Look::Backup { run: run() }).await else { panic!() };
    assert!(!state.snapshot.unwrap().verified);
}

#[tokio::test(start_paused = true)]
async fn a_crash_looping_api_server_is_seen_for_what_it_is() {
    let b = bench(|call| match call.args[0].as_str() {
        "ps" => said(
            r#"{"containers":[{"id":"dead","metadata":{"name":"kube-apiserver","attempt":4},"state":"CONTAINER_EXITED","createdAt":"9"}]}"#,
        ),
        "inspect" => said(
            r#"{"status":{"state":"CONTAINER_EXITED","exitCode":1},"info":{"runtimeSpec":{"process":{"args":["kube-apiserver","--etcd-servers="]}}}}"#,
        ),
        "logs" => exited(0, "E1122 run.go:72] \"command failed\" err=\"--etcd-servers must be specified\"\n"),
        _ => nothing(call),
    });
    let Ok(OpOutput::ApiServer(state)) = look::look(&b.node(), &Look::ApiServer).await else { panic!() };
    assert_eq!(
        (state.endpoint.as_str(), state.running, state.restarts, state.last_exit),
        ("10.77.0.11:6443", None, 4, Some(1))
    );
    assert!(!state.flags_match && state.log_tail.contains("--etcd-servers must be specified"), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn packages_are_looked_up_in_a_root_of_their_own() {
    let b = bench(|call| match call.program {
        "apt-get" => said(""),
        "apt-config" => said("APT::Update::Post-Invoke:: \"touch /x\";\n"),
        "apt-cache" => {
            said("   kubeadm | 1.32.9-1.1 | https://pkgs.k8s.io/core:/stable:/v1.32/deb  Packages\n")
        }
        _ => nothing(call),
    });
    let look = Look::Packages { to: "v1.32.9".parse().unwrap() };
    let Ok(OpOutput::Packages(offers)) = look::look(&b.node(), &look).await else { panic!() };
    assert_eq!(offers[0].version.to_string(), "1.32.9-1.1");
    assert_eq!(b.files.text(paths::APT_SOURCE), LIST, "the node's own sources stay");
    assert_eq!(b.files.text("/var/lib/podlift/apt-probe/sources.list"), LIST.replace("v1.31", "v1.32"));
    let (config, others) = b.commands.calls().split_first().map(|(c, o)| (c.clone(), o.to_vec())).unwrap();
    assert_eq!((config.as_str(), others.len()), ("apt-config dump", 2));
    assert!(others.iter().all(|c| c.contains("Dir::State::Lists=/var/lib/podlift/apt-probe/lists")));
    assert!(!b.files.text(paths::APT_PROBE_CONFIG).contains("touch"), "no hook runs");
}

#[tokio::test(start_paused = true)]
async fn facts_are_what_is_on_the_node() {
    let b = bench(|call| match (call.program, call.args[0].as_str()) {
        ("dpkg-query", _) => said("kubeadm\t1.31.9-1.1\thold ok installed\n"),
        ("kubeadm", "version") => said("v1.31.9\n"),
        ("kubelet", _) => said("Kubernetes v1.31.9\n"),
        _ => nothing(call),
    });
    b.files.put(paths::manifest(Component::KubeScheduler), b"spec: {");
    let facts = look::facts::collect(&b.node()).await;
    assert_eq!(
        (facts.kubeadm, facts.kubelet, facts.kubectl),
        ("v1.31.9".parse().ok(), "v1.31.9".parse().ok(), None)
    );
    assert!(facts.packages["kubeadm"].held && facts.packages.len() == 1);
    assert_eq!(
        (facts.apt_minor, facts.advertise.as_deref()),
        ("v1.31".parse().ok(), Some("10.77.0.11:6443"))
    );
    assert_eq!((facts.manifests.len(), facts.etcd_endpoints.len()), (3, 3));
    assert!(facts.manifests[2].unreadable.is_some());
    assert!(b.files.read(Path::new(paths::LEDGER)).is_ok());
}

/// Observed after a `dpkg` was killed: apt-mark still sees the lost hold.
#[tokio::test(start_paused = true)]
async fn a_hold_that_only_apt_mark_sees_is_set_anew() {
    let (dpkg, apt) = (Arc::new(Mutex::new(false)), Mutex::new(true));
    let really = dpkg.clone();
    let b = bench(move |call| match (call.program, call.args[0].as_str()) {
        ("dpkg-query", _) if *dpkg.lock().unwrap() => said("kubeadm\t1.31.14-1.1\thold ok installed\n"),
        ("dpkg-query", _) => said("kubeadm\t1.31.14-1.1\tinstall reinstreq half-installed\n"),
        ("apt-mark", verb) => {
            let (hold, mut apt) = (verb == "hold", apt.lock().unwrap());
            if *apt != hold {
                (*apt, *dpkg.lock().unwrap()) = (hold, hold);
            }
            said("kubeadm was already set on hold.\n")
        }
        _ => nothing(call),
    });
    let node = b.node();
    let accepted = accepted(&node, HostOp::AptUpdate);
    let cx = Cx { node: &node, op_id: &OpId::new("op-1").unwrap(), accepted: &accepted };
    let install = package_install::PackageInstall { packages: vec![], repair: false };
    install.settle(&cx).await.unwrap();
    assert!(*really.lock().unwrap());
    assert_eq!(b.commands.count("apt-mark unhold"), 1);
}
