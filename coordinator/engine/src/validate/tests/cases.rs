//! What is changed in a whole cluster, and what the checks say of it.

use super::*;
use crate::survey::LoadBalancerView;

type Change = fn(&mut Scene);

fn balancers(scene: &mut Scene) -> &mut Vec<LoadBalancerView> {
    scene.load_balancers.as_mut().unwrap()
}

fn calico(scene: &mut Scene) -> &mut CalicoView {
    scene.calico.as_mut().unwrap()
}

fn addons(scene: &mut Scene) -> &mut AddonsView {
    scene.addons.as_mut().unwrap()
}

fn api_server(scene: &mut Scene, after: bool) -> &mut ComponentState {
    let all = if after { &mut scene.components_after } else { &mut scene.components };
    all.get_mut(&name("runai-02")).unwrap().as_mut().unwrap().iter_mut().next().unwrap()
}

const F: Outcome = Outcome::Failed;
const O: Outcome = Outcome::Open;
const B: Severity = Severity::Blocker;
const W: Severity = Severity::Warning;

/// What is changed, the check that says so, its result and severity, and a part of its evidence.
pub(super) const CASES: &[(Change, &str, Outcome, Severity, &str)] = &[
    (|s| s.nodes = away(), "node-versions", O, B, "the nodes can't be seen: it is away"),
    (
        |s| s.nodes.as_mut().unwrap()[3].kubelet = "v1.31.9".parse().ok(),
        "node-versions",
        F,
        B,
        "dgx030 has v1.31.9, not v1.32.9",
    ),
    (|s| s.nodes.as_mut().unwrap()[3].ready = false, "node-versions", F, B, "dgx030 is not Ready"),
    (|s| s.nodes = Ok(vec![]), "node-versions", O, B, "lists no node"),
    (
        |s| {
            s.version = None;
            s.nodes.as_mut().unwrap()[3].kubelet = "v1.31.9".parse().ok();
        },
        "node-versions",
        F,
        B,
        "dgx030 has v1.31.9, not v1.32.9",
    ),
    (
        |s| drop(s.components.insert(name("runai-02"), away())),
        "component-versions",
        O,
        B,
        "runai-02: it is away",
    ),
    (|s| s.components.clear(), "component-versions", O, B, "no agent"),
    (
        |s| api_server(s, false).running = "v1.31.9".parse().ok(),
        "component-versions",
        F,
        B,
        "runai-02: kube-apiserver is v1.31.9",
    ),
    (|s| api_server(s, false).ready = false, "component-versions", F, B, "does not serve"),
    (|s| api_server(s, false).flags_match = false, "component-versions", F, B, "other flags"),
    (|s| s.images.clear(), "running-images", O, B, "no API server"),
    (
        |s| drop(s.images.insert("10.77.0.13:6443".into(), away())),
        "running-images",
        O,
        B,
        "10.77.0.13:6443: it is away",
    ),
    (
        |s| drop(s.images.insert("10.77.0.12:6443".into(), Ok(vec![image("kube-apiserver", "v1.31.9")]))),
        "running-images",
        F,
        B,
        "10.77.0.12:6443 lists registry.k8s.io/kube-apiserver:v1.31.9",
    ),
    (
        |s| drop(s.images.insert("10.77.0.12:6443".into(), Ok(vec![image("kube-apiserver", "v1.32.9")]))),
        "running-images",
        F,
        B,
        "do not list the same: registry.k8s.io/coredns",
    ),
    (|s| s.addons = away(), "addons", O, B, "can't be seen"),
    (|s| addons(s).kube_proxy_version = None, "addons", O, B, "version of kube-proxy"),
    (|s| addons(s).coredns_rollout = None, "addons", O, B, "kube-system has no deployment/coredns"),
    (
        |s| addons(s).kube_proxy_version = "v1.31.9".parse().ok(),
        "addons",
        F,
        B,
        "daemonset/kube-proxy is v1.31.9, not v1.32.9",
    ),
    (
        |s| addons(s).coredns_rollout.as_mut().unwrap().available = 1,
        "addons",
        F,
        B,
        "2 of 2 pods updated, 1 available",
    ),
    (
        |s| {
            let proxy = addons(s).kube_proxy_rollout.as_mut().unwrap();
            (proxy.updated, proxy.unready_nodes) = (3, vec![name("dgx030")]);
        },
        "addons",
        F,
        B,
        "3 of 4 pods updated, 4 available; not on dgx030",
    ),
    (
        |s| addons(s).kube_proxy_rollout.as_mut().unwrap().observed = false,
        "addons",
        F,
        B,
        "present specification",
    ),
    (|s| s.static_pods = away(), "static-pods", O, B, "can't be seen"),
    (|s| s.components_after.clear(), "static-pods", O, B, "not looked at a second time"),
    (
        |s| api_server(s, true).restarts = 1,
        "static-pods",
        F,
        B,
        "runai-02: kube-apiserver was started again within 30 s",
    ),
    (|s| api_server(s, true).container = Some("c2".into()), "static-pods", F, B, "was started again"),
    (
        |s| s.static_pods.as_mut().unwrap()[0].waiting = Some("CrashLoopBackOff".into()),
        "static-pods",
        F,
        B,
        "waits: CrashLoopBackOff",
    ),
    (
        |s| s.static_pods.as_mut().unwrap()[0].started = Some(ago(9)),
        "static-pods",
        F,
        B,
        "has run for only 9 s",
    ),
    (|s| s.etcd.clear(), "etcd", O, B, "no node could ask etcd"),
    (|s| s.etcd_after.clear(), "etcd", O, B, "not asked a second time"),
    (|s| s.etcd_after = s.etcd.clone(), "etcd", F, B, "the revision is still"),
    (|s| drop(s.etcd.insert(name("runai-02"), away())), "etcd", O, B, "runai-02: it is away"),
    (
        |s| s.etcd.get_mut(&name("runai-02")).unwrap().as_mut().unwrap().cluster = "other".into(),
        "etcd",
        F,
        B,
        "several clusters",
    ),
    (
        |s| s.etcd.get_mut(&name("runai-02")).unwrap().as_mut().unwrap().alarms.push("m2: NOSPACE".into()),
        "etcd",
        F,
        B,
        "alarm m2: NOSPACE",
    ),
    (
        |s| s.etcd.get_mut(&name("runai-02")).unwrap().as_mut().unwrap().members[1].healthy = false,
        "etcd",
        F,
        B,
        "is not healthy",
    ),
    (|s| s.webhooks = away(), "webhooks", O, B, "can't be seen"),
    (|s| s.webhooks = Ok(vec![webhook("Fail", Err("no endpoints"))]), "webhooks", F, B, "no endpoints"),
    (
        |s| s.webhooks = Ok(vec![webhook("Ignore", Err("no endpoints"))]),
        "webhooks",
        F,
        W,
        "(Ignore): no endpoints",
    ),
    (
        |s| s.webhooks = Ok(vec![WebhookSeen { answers: None, ..webhook("Fail", Ok(())) }]),
        "webhooks",
        O,
        B,
        "1 webhook with a URL was not asked",
    ),
    (|s| s.dns = Err("no image on any node".into()), "dns", O, B, "no image on any node"),
    (
        |s| s.dns.as_mut().unwrap()[0].addresses = Err("SERVFAIL".into()),
        "dns",
        F,
        B,
        "does not resolve in podlift/dns on dgx030: SERVFAIL",
    ),
    (|s| s.dns.as_mut().unwrap()[0].addresses = Ok(vec![]), "dns", F, B, "has no address"),
    (|s| s.calico = away(), "calico", O, B, "can't be seen"),
    (|s| s.calico = Ok(CalicoView::default()), "calico", O, B, "no Calico"),
    (|s| calico(s).daemon_sets[0].ready = 6, "calico", F, W, "6 of 7 pods Ready"),
    (|s| calico(s).daemon_sets[0].ready = 5, "calico", F, B, "5 of 7 pods Ready"),
    (|s| calico(s).kube_controllers[0].rollout.available = 0, "calico", F, B, "0 of 1 pod available"),
    (
        |s| calico(s).operator = Some(OperatorView::default()),
        "calico",
        F,
        W,
        "beside the Calico that BCM applies",
    ),
    (|s| s.load_balancers = away(), "addresses", O, B, "can't be seen"),
    (|s| s.before = away(), "addresses", O, B, "no record"),
    (|s| balancers(s).clear(), "addresses", F, B, "is gone"),
    (
        |s| balancers(s)[0].addresses = vec!["10.77.0.91".into()],
        "addresses",
        F,
        B,
        "10.77.0.91 instead of 10.77.0.90",
    ),
    (|s| s.served = away(), "tls", O, B, "can't be seen"),
    (|s| s.served = Ok(vec![]), "tls", F, B, "is not served any more"),
    (|s| s.before = away(), "tls", O, B, "no record"),
    (|s| s.before.as_mut().unwrap().served = away(), "tls", O, B, "no record"),
    (|s| s.unasked.push("gateway g/edge has TLS".into()), "tls", O, B, "gateway g/edge has TLS"),
    (
        |s| (s.served, s.load_balancers) = (Ok(vec![]), away()),
        "tls",
        O,
        B,
        "no address was asked for its certificate",
    ),
    (
        |s| s.served.as_mut().unwrap()[0].certificate = Err("reset: by peer".into()),
        "tls",
        F,
        B,
        "gives no certificate: reset",
    ),
    (
        |s| s.served.as_mut().unwrap()[0].page = Some(Ok(PageView { status: 502, title: String::new() })),
        "tls",
        F,
        W,
        "answers 502",
    ),
    (|s| s.served.as_mut().unwrap()[0].page = Some(Err("no answer".into())), "tls", F, W, "gives no page"),
    (|s| s.not_ready = away(), "pods", O, B, "can't be seen"),
    (|s| s.before = away(), "pods", O, B, "no record"),
    (
        |s| s.before.as_mut().unwrap().not_ready = Err("it was not recorded".into()),
        "pods",
        O,
        B,
        "it was not recorded",
    ),
    (
        |s| s.not_ready.as_mut().unwrap().get_mut("lab").unwrap().pods = 3,
        "pods",
        F,
        W,
        "lab: 3 pods not Ready, 2 before",
    ),
    (
        |s| {
            drop(
                s.not_ready
                    .as_mut()
                    .unwrap()
                    .insert("runai".into(), NotReady { pods: 1, named: vec!["agent: Error".into()] }),
            )
        },
        "pods",
        F,
        B,
        "runai: 1 pod not Ready, 0 before: agent: Error",
    ),
    (|s| s.events = away(), "events", O, W, "can't be seen"),
    (|s| s.events.as_mut().unwrap()[0].last = ago(30), "events", F, W, "Unhealthy of Pod 40 times"),
    (|s| s.hardware = away(), "gpus", O, B, "can't be seen"),
    (|s| s.gpu_operator = away(), "gpus", O, B, "GPU operator can't be seen"),
    (|s| s.before = away(), "gpus", O, B, "no record"),
    (|s| s.hardware = Ok(BTreeMap::new()), "gpus", F, B, "none allocatable, 8 before"),
    (
        |s| {
            let away = RolloutView { desired: 2, available: 1, ..RolloutView::default() };
            let workloads = BTreeMap::from([("daemonset/nvidia-dcgm".into(), away)]);
            s.gpu_operator = Ok(Some(GpuSeen { namespace: "gpu-operator".into(), workloads }));
        },
        "gpus",
        F,
        B,
        "daemonset/nvidia-dcgm of gpu-operator: 1 of 2 available",
    ),
    (|s| s.storage = away(), "storage", O, B, "no claim was made"),
    (
        |s| s.storage.as_mut().unwrap()[0].skipped = Some("it is not asked for".into()),
        "storage",
        O,
        B,
        "no class was tried",
    ),
    (
        |s| {
            let refused = StorageSeen { skipped: Some("quota".into()), ..storage("b", Ok(1), false) };
            s.storage.as_mut().unwrap().push(refused);
        },
        "storage",
        O,
        B,
        "not every class was tried",
    ),
    (
        |s| s.storage = Ok(vec![storage("a", Err("no space"), false), storage("b", Ok(1), true)]),
        "storage",
        F,
        W,
        "binds no claim: no space",
    ),
    (
        |s| s.storage = Ok(vec![storage("a", Err("no space"), true), storage("b", Ok(1), false)]),
        "storage",
        F,
        B,
        "no space",
    ),
    (|s| s.bcm = away(), "bcm", O, B, "can't be asked"),
    (|s| s.bcm = Ok(None), "bcm", O, B, "no head node is configured"),
    (
        |s| s.bcm.as_mut().unwrap().as_mut().unwrap().version = Ok("v1.31.9".parse().unwrap()),
        "bcm",
        F,
        B,
        "BCM's metadata says v1.31.9",
    ),
    (|s| s.version = None, "bcm", O, B, "no run says which version is expected"),
    (|s| s.before = away(), "bcm", O, B, "no record to compare BCM's applications with"),
    (
        |s| s.before.as_mut().unwrap().applications = Err("it was not recorded".into()),
        "bcm",
        O,
        B,
        "it was not recorded",
    ),
    (|s| s.bcm.as_mut().unwrap().as_mut().unwrap().version = away(), "bcm", O, B, "can't be read"),
    (
        |s| s.bcm.as_mut().unwrap().as_mut().unwrap().applications = Ok(vec![]),
        "bcm",
        F,
        B,
        "calico was enabled before",
    ),
    (
        |s| {
            s.bcm.as_mut().unwrap().as_mut().unwrap().images =
                Ok(BTreeMap::from([("old".into(), "v1.31.9".parse().ok())]))
        },
        "bcm",
        F,
        W,
        "software image old has kubelet v1.31.9",
    ),
    (|s| s.ends = away(), "certificates-end", O, B, "can't be seen"),
    (|s| s.ends = Ok(vec![ends(29)]), "certificates-end", F, W, "ends at"),
    (|s| s.ends = Ok(vec![ends(-1)]), "certificates-end", F, B, "has ended at"),
    (|s| s.site = away(), "site:all", O, W, "can't be run"),
    (
        |s| s.site = Ok(vec![script("healthcheck_storage.py", 2)]),
        "site:healthcheck_storage.py",
        F,
        W,
        "exit code 2",
    ),
    (
        |s| {
            s.site.as_mut().unwrap()[0] =
                SiteSeen { outcome: Err("writable by others".into()), refused: true, ..script("x.py", 0) }
        },
        "site:x.py",
        F,
        W,
        "is refused: writable by others",
    ),
    (
        |s| {
            s.site.as_mut().unwrap()[0] =
                SiteSeen { outcome: Err("its agent is away".into()), ..script("x.py", 0) }
        },
        "site:x.py",
        O,
        W,
        "was not run: its agent is away",
    ),
    (
        |s| {
            let killed = SiteOutcome {
                killed_by: Some("time".into()),
                stderr: "hangs\n".into(),
                ..SiteOutcome::default()
            };
            s.site.as_mut().unwrap()[0] = SiteSeen { outcome: Ok(killed), ..script("x.py", 0) };
        },
        "site:x.py",
        F,
        W,
        "ended at its limit of time",
    ),
];
