//! Which pods and processes are accounted for after a drain.

use super::*;
use podlift_host::Holders;
use std::collections::{BTreeMap, BTreeSet};

const UID: &str = "2e3c1f0a-8d43-4b0e-9a55-0c6f5b1d7e21";
const STATIC: &str = "f556b9016283651c92291c6d844ea468";

fn sandbox(name: &str, uid: &str, change: impl FnOnce(&mut Sandbox)) -> Sandbox {
    let mut sandbox = Sandbox {
        id: "s".into(),
        namespace: "ml".into(),
        name: name.into(),
        uid: uid.into(),
        created: "2026-11-22T00:00:00Z".parse().unwrap(),
        ready: true,
        daemon_set: false,
        from_file: false,
        config_hash: None,
        component: None,
        annotations: BTreeMap::new(),
    };
    change(&mut sandbox);
    sandbox
}

fn gpus(pod: &str) -> Allocation {
    let ids = BTreeSet::from(["GPU-1".to_string(), "GPU-2".to_string()]);
    let devices = BTreeMap::from([("nvidia.com/gpu".to_string(), ids)]);
    Allocation { namespace: "ml".into(), pod: pod.into(), devices }
}

fn holder(cgroup: &str) -> Holder {
    let devices = BTreeSet::from(["/dev/nvidia0".to_string(), "/dev/nvidiactl".to_string()]);
    Holder { pid: 4711, command: "python train.py".into(), cgroup: cgroup.into(), devices }
}

fn of_pod(uid: &str) -> String {
    format!("0::/kubepods.slice/kubepods-pod{}.slice/cri-containerd-4f6b.scope\n", uid.replace('-', "_"))
}

fn seen(sandboxes: Vec<Sandbox>) -> Seen {
    Seen {
        nvidia: true,
        allocations: Ok(vec![]),
        kubelet: None,
        holders: Holders::default(),
        unlisted: None,
        sandboxes: Ok(sandboxes),
    }
}

#[test]
fn allocations_of_pods_that_a_drain_leaves_or_that_have_ended_are_accounted_for() {
    let has = "pod ml/train-0 has nvidia.com/gpu GPU-1, GPU-2";
    let cases = [
        (vec![sandbox("train-0", UID, |_| ())], Some(has.to_string())),
        (vec![sandbox("train-0", UID, |s| s.daemon_set = true)], None),
        (vec![sandbox("train-0", STATIC, |s| s.from_file = true)], None),
        // It has ended, and its object is still there.
        (vec![sandbox("train-0", UID, |s| s.ready = false)], None),
        // A pod of the same name came after it.
        (
            vec![sandbox("train-0", "x", |_| ()), sandbox("train-0", UID, |s| s.ready = false)],
            Some(has.into()),
        ),
        (vec![sandbox("train-1", UID, |_| ())], Some(format!("{has} and is about to start"))),
    ];
    for (sandboxes, want) in cases {
        let seen = Seen { allocations: Ok(vec![gpus("train-0")]), ..seen(sandboxes) };
        assert_eq!(judge(&seen, &[]).held, Vec::from_iter(want), "{:?}", seen.sandboxes);
    }
    let silent = Seen {
        allocations: Ok(vec![gpus("train-0")]),
        sandboxes: Err("crictl did not end within 60 s and was stopped".into()),
        ..seen(vec![])
    };
    let held = judge(&silent, &[]).held;
    assert!(held[0].contains("does not say whose pod it is: crictl did not end"), "{held:?}");
}

#[test]
fn processes_of_daemons_and_of_pods_that_stay_are_accounted_for() {
    let job = "0::/system.slice/slurmstepd.scope/job_812/step_0/user/task_0\n";
    let by =
        |who: &str| Some(format!("pid 4711 `python train.py` ({who}) has /dev/nvidia0, /dev/nvidiactl open"));
    let cases = [
        (job.to_string(), vec![], by("slurmstepd.scope")),
        ("0::/user.slice/user-0.slice/session-3.scope\n".into(), vec![], by("session-3.scope")),
        ("0::/\n".into(), vec![], by("no unit of systemd")),
        ("0::/system.slice/nvidia-persistenced.service\n".into(), vec![], None),
        ("0::/system.slice/site-monitor.service\n".into(), vec![], None),
        (of_pod(UID), vec![sandbox("dcgm-exporter-x", UID, |s| s.daemon_set = true)], None),
        (of_pod(STATIC), vec![sandbox("monitor-dgx030", STATIC, |s| s.from_file = true)], None),
        (of_pod(UID), vec![sandbox("train-0", UID, |_| ())], by("pod ml/train-0")),
        (of_pod(UID), vec![], by(&format!("pod {UID}, which the container runtime does not list"))),
    ];
    let allow = ["site-monitor".parse().unwrap()];
    for (cgroup, sandboxes, want) in cases {
        let holders = Holders { found: vec![holder(&cgroup)], unseen: None };
        let verdict = judge(&Seen { holders, ..seen(sandboxes) }, &allow);
        assert_eq!(verdict.held, Vec::from_iter(want), "{cgroup}");
    }
}

/// Each daemon that may hold devices, as a service of the node and as a pod of a DaemonSet, in the groups of both versions and drivers.
#[test]
fn each_allowed_holder_is_accounted_for_wherever_it_runs() {
    let daemons = [
        ("nvidia-persistenced", "/dev/nvidiactl"),
        ("nv-hostengine", "/dev/nvidia0"),
        ("nvidia-fabricmanager", "/dev/nvidia-nvswitchctl"),
        ("nvidia-imex", "/dev/nvidia-caps-imex-channels/channel0"),
        ("dcgm-exporter", "/dev/nvidia0"),
        ("node-exporter", "/dev/infiniband/umad0"),
    ];
    let judged = |name: &str, device: &str, cgroup: &str, sandboxes| {
        let devices = BTreeSet::from([device.to_string()]);
        let found = vec![Holder { pid: 7, command: name.into(), cgroup: cgroup.into(), devices }];
        judge(&Seen { holders: Holders { found, unseen: None }, ..seen(sandboxes) }, &[]).held
    };
    for (name, device) in daemons {
        let services = [
            format!("0::/system.slice/{name}.service\n"),
            format!(
                "9:devices:/system.slice/{name}.service\n1:name=systemd:/system.slice/{name}.service\n0::/\n"
            ),
        ];
        for cgroup in services {
            assert_eq!(judged(name, device, &cgroup, vec![]), Vec::<String>::new(), "{cgroup}");
        }
        for cgroup in [of_pod(UID), format!("0::/kubepods/besteffort/pod{UID}/4f6b\n")] {
            let of_daemon_set = sandbox(&format!("{name}-x7k2p"), UID, |s| s.daemon_set = true);
            assert_eq!(judged(name, device, &cgroup, vec![of_daemon_set]), Vec::<String>::new(), "{cgroup}");
            // Anybody can give a pod the name of a daemon.
            let of_a_user = sandbox(&format!("{name}-x7k2p"), UID, |_| ());
            let want = format!("pid 7 `{name}` (pod ml/{name}-x7k2p) has {device} open");
            assert_eq!(judged(name, device, &cgroup, vec![of_a_user]), [want], "{cgroup}");
        }
        let scope = format!("0::/user.slice/user-1000.slice/{name}.scope\n");
        assert_eq!(judged(name, device, &scope, vec![]).len(), 1, "a scope that a user named: {scope}");
    }
}

#[test]
fn what_can_not_be_known_is_not_safe_on_a_node_with_gpus_alone() {
    let silent = |nvidia, kubelet: Option<Result<&str, &str>>| {
        let kubelet = kubelet.map(|k| k.map(String::from).map_err(String::from));
        let allocations = Err("kubelet.sock: no answer within 5 s".into());
        judge(&Seen { nvidia, allocations, kubelet, ..seen(vec![]) }, &[])
    };
    let unknown = silent(true, Some(Ok("active")));
    assert_eq!(
        unknown.unknown,
        ["the kubelet's list of allocated devices: kubelet.sock: no answer within 5 s"]
    );
    assert!(
        silent(true, Some(Err("systemctl is not on the command path"))).unknown[0]
            .contains("state is not known")
    );
    let down = silent(true, Some(Ok("failed")));
    assert!(
        down.is_free() && down.note.unwrap().contains("the kubelet was failed"),
        "an interrupted upgrade"
    );
    assert_eq!(silent(false, None), Verdict::default(), "a node without GPUs");

    let denied =
        || Holders { found: vec![], unseen: Some("the open files of pid 9 (x): Permission denied".into()) };
    let gpu = judge(&Seen { holders: denied(), ..seen(vec![]) }, &[]);
    assert!(
        gpu.unknown[0].contains("pid 9 (x): Permission denied; the agent needs CAP_SYS_PTRACE"),
        "{gpu:?}"
    );
    let other = judge(&Seen { nvidia: false, holders: denied(), ..seen(vec![]) }, &[]);
    assert!(other.is_free());
}

#[test]
fn a_list_of_nvml_that_failed_is_not_an_empty_one() {
    let why = "/usr/bin/nvidia-smi exited 9: \"NVIDIA-SMI has failed\"";
    let verdict = judge(&Seen { unlisted: Some(why.into()), ..seen(vec![]) }, &[]);
    assert!(!verdict.is_free());
    assert_eq!(verdict.unknown, [format!("the GPUs' own list of processes: {why}")]);
}

#[test]
fn a_long_list_is_cut() {
    let allocations = Ok((0..10).map(|n| gpus(&format!("train-{n}"))).collect());
    let verdict = judge(&Seen { allocations, ..seen(vec![]) }, &[]);
    assert_eq!(verdict.held.len(), 10);
    assert!(
        verdict
            .reasons()
            .ends_with("train-7 has nvidia.com/gpu GPU-1, GPU-2 and is about to start; and 2 more")
    );
}
