//! Whole ops on a node whose devices are in use or not.

use crate::executor::{Answer, Executor, OpState};
use crate::testing::{Bench, FakeDevices, exited, said};
use podlift_host::{Allocation, Holder, Holders, paths};
use podlift_model::op::{DeviceOverride, Package, PackagePin};
use podlift_model::{Epoch, Failure, HostOp, OpId, OpOutcome, OpOutput, codes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

const CGROUP: &str = "0::/system.slice/slurmstepd.scope/job_812/step_0/user/task_0\n";
const HELD: &str = "pid 4711 `python train.py` (slurmstepd.scope) has /dev/nvidia0 open";

/// A worker with GPUs, whose systemd, apt and crictl know just enough for the guarded ops.
fn worker() -> Bench {
    let bench = Bench::new(|call| match (call.program, call.args.first().map(String::as_str)) {
        ("systemctl", Some("is-active")) => said("active"),
        ("systemctl", Some("show")) => said("ActiveEnterTimestampMonotonic=0\n"),
        ("systemctl", _) | ("systemd-run", _) | ("apt-mark", _) => said(""),
        ("crictl", Some("pods")) => said("{\"items\": []}"),
        ("dpkg-query", _) => said("kubeadm\t1.31.9-1.1\thold ok installed\n"),
        ("apt-cache", _) => {
            said("   kubeadm | 1.32.9-1.1 | https://mirror/core:/stable:/v1.32/deb  Packages\n")
        }
        _ => exited(1, "not known to the fake"),
    });
    bench.files.put(paths::PROC_DEVICES, b"Character devices:\n195 nvidia\n511 nvidia-uvm\n");
    bench.files.put(paths::APT_SOURCE, b"deb https://pkgs.k8s.io/core:/stable:/v1.32/deb/ /\n");
    bench
}

fn job() -> Holders {
    let devices = BTreeSet::from(["/dev/nvidia0".to_string()]);
    let job = Holder { pid: 4711, command: "python train.py".into(), cgroup: CGROUP.into(), devices };
    Holders { found: vec![job], unseen: None }
}

fn install(packages: &[Package]) -> HostOp {
    let pin = |package: &Package| PackagePin { package: *package, version: "1.32.9-1.1".parse().unwrap() };
    HostOp::PackageInstall { packages: packages.iter().map(pin).collect(), repair: false, devices: None }
}

fn restart(devices: Option<DeviceOverride>) -> HostOp {
    HostOp::KubeletRestart { devices }
}

fn overriding(node: &str) -> Option<DeviceOverride> {
    Some(DeviceOverride { node: node.parse().unwrap(), reason: "job 812 may be lost".into() })
}

fn submit(bench: &Bench, op: &HostOp) -> watch::Receiver<OpState> {
    let node = bench.node();
    let epoch = Epoch { number: 1, instance: "a".parse().unwrap() };
    node.ledger.claim(&epoch).unwrap();
    match Executor::new(node).submit(&OpId::new("op-1").unwrap(), &epoch, op) {
        Answer::Follow(state) => state,
        other => panic!("{other:?}"),
    }
}

async fn ended(mut state: watch::Receiver<OpState>) -> OpOutcome {
    match &*state.wait_for(|s| matches!(s, OpState::Ended(_))).await.unwrap() {
        OpState::Ended(outcome) => outcome.clone(),
        other => panic!("{other:?}"),
    }
}

async fn fails(bench: &Bench, op: HostOp) -> Failure {
    match ended(submit(bench, &op)).await {
        OpOutcome::Failed { failure } => failure,
        other => panic!("{other:?}"),
    }
}

async fn changed(bench: &Bench, op: HostOp) -> String {
    match ended(submit(bench, &op)).await {
        OpOutcome::Done { output: OpOutput::Changed(line) } => line,
        other => panic!("{other:?}"),
    }
}

fn restarts(bench: &Bench) -> usize {
    bench.commands.count("systemctl restart")
}

#[tokio::test(start_paused = true)]
async fn a_slurm_job_that_holds_a_gpu_stops_the_kubelets_restart_and_the_packages() {
    for (op, what) in [
        (restart(None), "the kubelet was not restarted on runai-01"),
        (install(&[Package::Kubeadm]), "kubeadm 1.32.9-1.1 was not installed on runai-01"),
        (
            install(&[Package::Kubelet, Package::Kubectl]),
            "kubelet 1.32.9-1.1, kubectl 1.32.9-1.1 were not installed on runai-01",
        ),
    ] {
        let bench = worker();
        bench.devices.hold(job());
        let failure = fails(&bench, op).await;
        assert_eq!(failure.code, codes::DEVICES_HELD);
        let over = "`podlift retry --override-devices runai-01 --reason TEXT`";
        for part in [what, HELD, "`fuser -v /dev/nvidia* /dev/infiniband/*`", "`podlift retry`", over] {
            assert!(failure.message.contains(part), "{part}: {}", failure.message);
        }
        assert_eq!(
            (restarts(&bench), bench.commands.count("apt-mark unhold")),
            (0, 0),
            "nothing was changed"
        );
        assert_eq!(bench.commands.count("systemd-run"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn devices_that_are_released_in_time_stop_nothing() {
    let bench = worker();
    bench.devices.hold(job());
    let mut state = submit(&bench, &restart(None));
    let waits =
        |s: &OpState| matches!(s, OpState::Progress(line) if line.contains("waiting") && line.contains(HELD));
    state.wait_for(waits).await.unwrap();
    assert_eq!(restarts(&bench), 0);
    bench.devices.hold(Holders::default());
    assert_eq!(ended(state).await, OpOutcome::changed("kubelet restarted and active"));
    assert_eq!(restarts(&bench), 1);
}

/// The first look finds nothing; a job starts while apt's lists are read.
#[tokio::test(start_paused = true)]
async fn the_devices_are_looked_at_once_more_right_before_the_first_change() {
    let devices: Arc<std::sync::OnceLock<Arc<FakeDevices>>> = Arc::default();
    let late = devices.clone();
    let mut bench = worker();
    let usual = bench.commands.clone();
    bench.commands = crate::testing::FakeCommands::new(move |call| {
        if call.program == "apt-cache" {
            late.get().unwrap().hold(job());
        }
        usual.answer(call)
    });
    bench.host.commands = bench.commands.clone();
    devices.set(bench.devices.clone()).ok().unwrap();
    let failure = fails(&bench, install(&[Package::Kubeadm])).await;
    assert_eq!(failure.code, codes::DEVICES_HELD);
    assert_eq!(bench.commands.count("apt-mark unhold"), 0, "the holds are the first change");
}

#[tokio::test(start_paused = true)]
async fn an_override_for_this_node_goes_on_and_stays_in_the_evidence() {
    let bench = worker();
    bench.devices.hold(job());
    let line = changed(&bench, restart(overriding("runai-01"))).await;
    let want = format!(
        "kubelet restarted and active; devices were in use, and a person accepted that (job 812 may be lost): {HELD}"
    );
    assert_eq!(line, want);

    let bench = worker();
    let failure = fails(&bench, restart(overriding("dgx031"))).await;
    assert_eq!((failure.code.as_str(), restarts(&bench)), (codes::INVALID_REQUEST, 0));
    assert!(failure.message.contains("names dgx031, expected this node, runai-01"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_back_after_the_drain_stops_the_restart() {
    let bench = worker();
    let devices = BTreeMap::from([("nvidia.com/gpu".to_string(), BTreeSet::from(["GPU-1".to_string()]))]);
    bench.devices.allocate(Ok(vec![Allocation { namespace: "ml".into(), pod: "train-0".into(), devices }]));
    let failure = fails(&bench, restart(None)).await;
    assert!(failure.message.contains("pod ml/train-0 has nvidia.com/gpu GPU-1"), "{}", failure.message);
    assert_eq!(restarts(&bench), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_of_agent_toml_may_hold_devices_and_the_same_process_without_it_may_not() {
    let monitor = || {
        let devices = BTreeSet::from(["/dev/nvidia0".to_string()]);
        let cgroup = "0::/system.slice/nvsm-core.service\n".into();
        Holders { found: vec![Holder { pid: 9, command: "nvsm".into(), cgroup, devices }], unseen: None }
    };
    let bench = worker();
    bench.devices.hold(monitor());
    let failure = fails(&bench, restart(None)).await;
    assert!(failure.message.contains("pid 9 `nvsm` (nvsm-core.service)"), "{}", failure.message);

    let mut bench = worker();
    bench.config.interlock.allow = vec!["nvsm*".parse().unwrap()];
    bench.devices.hold(monitor());
    assert_eq!(changed(&bench, restart(None)).await, "kubelet restarted and active");
}

/// NVML lists a process whose open files show no device: a job, a daemon, a pod of a DaemonSet, and one that has ended.
#[tokio::test(start_paused = true)]
async fn processes_of_nvmls_list_are_joined_to_those_with_open_files() {
    let with = |list: &'static str, code: i32| {
        let mut bench = worker();
        let usual = bench.commands.clone();
        bench.commands = crate::testing::FakeCommands::new(move |call| {
            match call.args.iter().any(|arg| arg == "/usr/bin/nvidia-smi") {
                true if code != 0 => exited(code, list),
                true => said(list),
                false => usual.answer(call),
            }
        });
        bench.host.commands = bench.commands.clone();
        bench.files.put("/usr/bin/nvidia-smi", b"");
        bench
    };
    let cases = [
        (
            "0::/system.slice/slurmstepd.scope/job_7\n",
            Some("pid 99 `/opt/train` (slurmstepd.scope) has GPU-1 (by NVML's list) open"),
        ),
        ("0::/system.slice/nvidia-dcgm.service\n", None),
        ("", Some("pid 99 `/opt/train` (no unit of systemd) has GPU-1 (by NVML's list) open")),
    ];
    for (cgroup, want) in cases {
        let bench = with("99, /opt/train, GPU-1\n", 0);
        bench.files.put("/proc/99/cgroup", cgroup.as_bytes());
        match want {
            None => assert_eq!(changed(&bench, restart(None)).await, "kubelet restarted and active"),
            Some(words) => {
                let failure = fails(&bench, restart(None)).await;
                assert!(failure.message.contains(words), "{cgroup}: {}", failure.message);
            }
        }
    }
    assert_eq!(changed(&with("", 0), restart(None)).await, "kubelet restarted and active");
    // With an open device file, that file is named.
    let bench = with("4711, python, GPU-1\n", 0);
    bench.devices.hold(job());
    assert!(fails(&bench, restart(None)).await.message.contains(HELD));
    // A list that failed is not an empty one.
    let failure = fails(&with("NVIDIA-SMI has failed", 9), restart(None)).await;
    let words = "it can't be known whether devices of the node are in use: the GPUs' own list of processes";
    assert!(failure.message.contains(words) && failure.message.contains("exited 9"), "{}", failure.message);
    // Without a driver the program is not asked.
    let bench = with("99, /opt/train, GPU-1\n", 0);
    bench.files.put(paths::PROC_DEVICES, b"Character devices:\n  1 mem\n");
    assert_eq!(changed(&bench, restart(None)).await, "kubelet restarted and active");
    assert_eq!(bench.commands.count("systemd-run"), 0);
}

#[tokio::test(start_paused = true)]
async fn infiniband_in_use_stops_a_node_without_gpus() {
    let of_job = |card: Option<&str>| {
        let bench = worker();
        bench.files.put(paths::PROC_DEVICES, b"Character devices:\n231 infiniband_verbs\n");
        card.inspect(|card| bench.files.put(format!("{}/{card}", paths::INFINIBAND), b""));
        let devices = BTreeSet::from(["/dev/infiniband/uverbs0".to_string()]);
        let found = vec![Holder { pid: 11, command: "mpirun".into(), cgroup: CGROUP.into(), devices }];
        bench.devices.hold(Holders { found, unseen: None });
        bench
    };
    let failure = fails(&of_job(Some("mlx5_0")), restart(None)).await;
    let want = "pid 11 `mpirun` (slurmstepd.scope) has /dev/infiniband/uverbs0 open";
    assert!(failure.code == codes::DEVICES_HELD && failure.message.contains(want), "{}", failure.message);
    let without = of_job(None);
    assert_eq!(changed(&without, restart(None)).await, "kubelet restarted and active", "it has no card");
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_does_not_answer_stops_a_node_with_gpus_and_no_other() {
    let bench = worker();
    bench.devices.allocate(Err("kubelet.sock: no answer within 5 s".into()));
    let failure = fails(&bench, restart(None)).await;
    let want = "it can't be known whether devices of the node are in use: the kubelet's list";
    assert!(failure.code == codes::DEVICES_HELD && failure.message.contains(want), "{}", failure.message);

    let bench = worker();
    bench.files.put(paths::PROC_DEVICES, b"Character devices:\n  1 mem\n 10 misc\n");
    bench.devices.allocate(Err("kubelet.sock: No such file or directory".into()));
    bench.devices.hold(job());
    assert_eq!(
        changed(&bench, restart(None)).await,
        "kubelet restarted and active",
        "its processes aren't looked at"
    );
}

#[tokio::test(start_paused = true)]
async fn a_control_plane_node_gets_its_kubeadm_beside_work_and_its_kubelet_does_not() {
    let guarded = [(Package::Kubeadm, false), (Package::Kubelet, true)];
    for (package, want) in guarded {
        assert_eq!(super::guards(&install(&[package]), false), want, "{package}");
        assert!(super::guards(&install(&[package]), true), "{package} of a worker");
    }
    for op in HostOp::samples() {
        let guards = matches!(op, HostOp::KubeletRestart { .. } | HostOp::PackageInstall { .. });
        assert_eq!(super::guards(&op, true), guards, "{}", op.verb());
    }
}
