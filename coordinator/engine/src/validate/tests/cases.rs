//! What is changed in a whole cluster, and what the checks say of it: nodes, control plane, add-ons and network.

use super::*;

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

pub(super) const CLUSTER: &[Case] = &[
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
];
