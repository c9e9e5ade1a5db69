//! Each check: what passes, what fails, and what stays open because it was not seen.

mod cases;
mod served;

use super::*;
use crate::analysis::not_ready;
use crate::doors::{AddonsView, CalicoView, DaemonSetView, OperatorView, RolloutView, WorkloadView};
use crate::program::{Recorded, Severity};
use crate::survey::{BcmApplication, PageView, ServedCertificate};
use crate::testing::survey::{certificate, cluster_survey};
use crate::testing::{input, name, view};
use jiff::{SignedDuration, Timestamp};
use podlift_model::components::ComponentState;
use podlift_model::op::Component;
use std::collections::BTreeMap;

fn now() -> Timestamp {
    "2025-10-20T20:00:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn component(component: Component) -> ComponentState {
    ComponentState {
        component,
        endpoint: "10.77.0.11:6443".into(),
        ready: true,
        answer: "ok".into(),
        wants_credentials: false,
        running: "v1.32.9".parse().ok(),
        object_read: None,
        object_answer: String::new(),
        flags_match: true,
        hash_matches: Some(true),
        container: Some("c1".into()),
        restarts: 0,
        last_exit: None,
        last_exit_at: None,
        log_tail: String::new(),
        kubeadm_running: false,
    }
}

fn image(container: &str, tag: &str) -> ImageSeen {
    ImageSeen {
        pod: format!("kube-system/{container}-runai-01"),
        container: container.into(),
        image: format!("registry.k8s.io/{container}:{tag}"),
        ready: true,
    }
}

fn whole_addons() -> AddonsView {
    let rollout = |pods| RolloutView {
        observed: true,
        desired: pods,
        updated: pods,
        available: pods,
        unready_nodes: vec![],
    };
    AddonsView {
        kube_proxy: true,
        coredns: true,
        kube_proxy_version: "v1.32.9".parse().ok(),
        images: vec![],
        kube_proxy_rollout: Some(rollout(4)),
        coredns_rollout: Some(rollout(2)),
    }
}

fn whole_calico() -> CalicoView {
    let rollout = RolloutView { observed: true, desired: 1, updated: 1, available: 1, unready_nodes: vec![] };
    CalicoView {
        daemon_sets: vec![DaemonSetView {
            namespace: "kube-system".into(),
            name: "calico-node".into(),
            desired: 7,
            ready: 7,
            owner: "cmd".into(),
        }],
        kube_controllers: vec![WorkloadView {
            namespace: "kube-system".into(),
            name: "calico-kube-controllers".into(),
            rollout,
        }],
        ..CalicoView::default()
    }
}

fn served(fingerprint: &str) -> ServedCertificate {
    ServedCertificate {
        address: "10.77.0.90:443".into(),
        server_name: "runai.example".into(),
        certificate: Ok(certificate(fingerprint)),
        page: Some(Ok(PageView { status: 200, title: "Run:ai".into() })),
    }
}

fn script(name: &str, exit_code: i32) -> SiteSeen {
    SiteSeen {
        name: name.into(),
        severity: Severity::Warning,
        refused: false,
        outcome: Ok(SiteOutcome {
            exit_code: Some(exit_code),
            stdout: "all good\n".into(),
            ..SiteOutcome::default()
        }),
    }
}

/// A cluster in which every check passes.
fn whole() -> Scene {
    let servers = ["runai-01", "runai-02", "runai-03"];
    let survey = cluster_survey();
    let states: Vec<ComponentState> = Component::ALL.iter().map(|c| component(*c)).collect();
    let components: BTreeMap<_, _> = servers.iter().map(|n| (name(n), Ok(states.clone()))).collect();
    let etcd = input().etcd;
    let mut later = etcd.clone();
    for state in later.values_mut().flatten() {
        state.members.iter_mut().for_each(|member| member.revision += 7);
    }
    let images = vec![image("kube-apiserver", "v1.32.9"), image("coredns", "v1.11.3")];
    let before = Recorded {
        load_balancers: survey.load_balancers.clone(),
        hardware: survey.hardware.clone(),
        served: Ok(vec![served("aa")]),
        not_ready: Ok(BTreeMap::from([("lab".into(), 2)])),
        applications: Ok(vec![BcmApplication { name: "calico".into(), enabled: true }]),
        ..Recorded::default()
    };
    let mut nodes: Vec<_> = servers.iter().map(|n| view(n, true)).chain([view("dgx030", false)]).collect();
    nodes.iter_mut().for_each(|node| node.kubelet = "v1.32.9".parse().ok());
    let pod = |node: &str| StaticPod {
        node: name(node),
        name: format!("kube-apiserver-{node}"),
        ready: true,
        restarts: 0,
        started: Some(ago(600)),
        waiting: None,
    };
    Scene {
        at: now(),
        run: None,
        version: "v1.32.9".parse().ok(),
        without: BTreeMap::new(),
        before: Ok(before),
        since: ago(3600),
        nodes: Ok(nodes),
        components: components.clone(),
        components_after: components,
        soak_seconds: 30,
        images: ["10.77.0.11:6443", "10.77.0.12:6443"].map(|s| (s.to_string(), Ok(images.clone()))).into(),
        static_pods: Ok(servers.map(pod).to_vec()),
        addons: Ok(whole_addons()),
        etcd,
        etcd_after: later,
        dns: Ok(vec![NameAnswer {
            name: "kubernetes.default.svc.cluster.local".into(),
            asked_from: "podlift/dns on dgx030".into(),
            addresses: Ok(vec!["10.96.0.1".into()]),
            milliseconds: 4,
        }]),
        calico: Ok(whole_calico()),
        load_balancers: survey.load_balancers,
        served: Ok(vec![served("aa")]),
        unasked: vec![],
        not_ready: Ok(BTreeMap::from([(
            "lab".into(),
            NotReady { pods: 1, named: vec!["x: Pending".into()] },
        )])),
        events: Ok(vec![EventGroup {
            reason: "Unhealthy".into(),
            kind: "Pod".into(),
            count: 40,
            first: ago(3000),
            last: ago(2000),
            object: "kube-system/coredns-1".into(),
            message: "Readiness probe failed".into(),
        }]),
        hardware: survey.hardware,
        gpu_operator: Ok(None),
        storage: Ok(vec![storage("local-path", Ok(900), true)]),
        webhooks: Ok(vec![webhook("Fail", Ok(()))]),
        bcm: Ok(Some(BcmSeen {
            version: Ok("v1.32.9".parse().unwrap()),
            applications: Ok(vec![BcmApplication { name: "calico".into(), enabled: true }]),
            images: Ok(BTreeMap::from([("default-image".into(), "v1.32.9".parse().ok())])),
        })),
        ends: Ok(vec![ends(200)]),
        expires_within_days: 30,
        site: Ok(vec![script("healthcheck_storage.py", 0)]),
    }
}

fn storage(class: &str, bound: Result<u64, &str>, default: bool) -> StorageSeen {
    StorageSeen {
        class: class.into(),
        provisioner: "rancher.io/local-path".into(),
        default,
        bound: bound.map_err(String::from),
        skipped: None,
    }
}

fn webhook(policy: &str, answers: Result<(), &str>) -> WebhookSeen {
    WebhookSeen {
        configuration: "validating/gpu".into(),
        webhook: "v.gpu.example".into(),
        target: "gpu-operator/webhook".into(),
        failure_policy: policy.into(),
        answers: Some(answers.map_err(String::from)),
    }
}

fn ends(days: i64) -> Ends {
    Ends {
        what: "runai-01 apiserver.crt".into(),
        not_after: now() + SignedDuration::from_hours(24 * days),
        renew: "kubeadm certs renew all".into(),
    }
}

/// What is changed, the check that says so, its result and severity, and a part of its evidence.
type Case = (fn(&mut Scene), &'static str, Outcome, Severity, &'static str);

const F: Outcome = Outcome::Failed;
const O: Outcome = Outcome::Open;
const B: Severity = Severity::Blocker;
const W: Severity = Severity::Warning;

fn cases() -> impl Iterator<Item = &'static Case> {
    cases::CLUSTER.iter().chain(served::SERVED)
}

fn away<T>() -> Result<T, String> {
    Err("it is away".into())
}

#[test]
fn a_whole_cluster_passes_every_check() {
    let seen = validate(&whole(), &[]);
    for check in &seen.checks {
        assert_eq!(check.result, Outcome::Passed, "{check:?}");
        assert!(!check.evidence.is_empty() && check.next.is_empty() && !check.title.is_empty(), "{check:?}");
    }
    assert_eq!((seen.counts.passed, seen.counts.failed, seen.counts.open), (18, 0, 0));
    let read: Validation = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
    assert_eq!(read, seen);
    assert_eq!(seen.summary(), "18 checks passed, 0 failed, 0 open");
}

#[test]
fn each_check_fails_by_what_is_wrong_and_stays_open_by_what_is_not_seen() {
    for (i, (change, id, result, severity, text)) in cases().enumerate() {
        let mut scene = whole();
        change(&mut scene);
        let seen = validate(&scene, &[]);
        let check = seen.checks.iter().find(|check| check.id == *id).unwrap_or_else(|| panic!("{i}: {id}"));
        assert_eq!((check.result, check.severity), (*result, *severity), "{i}: {check:?}");
        assert!(check.evidence.iter().any(|line| line.contains(text)), "{i}: {text}: {check:?}");
        assert!(!check.next.is_empty(), "{i}: {check:?}");
    }
    for id in ids() {
        let of = |result: Outcome| cases().any(|case| case.1 == id && case.2 == result);
        assert!(
            of(Outcome::Failed) && of(Outcome::Open),
            "{id} has a case in which it fails, and one in which it stays open"
        );
    }
}

#[test]
fn nodes_that_take_no_part_are_named_and_judged_by_nothing() {
    let mut scene = whole();
    scene.nodes.as_mut().unwrap()[3].kubelet = "v1.31.9".parse().ok();
    scene.hardware = Ok(BTreeMap::new());
    scene.without.insert(name("dgx030"), "deferred by jane".into());
    let proxy = scene.addons.as_mut().unwrap().kube_proxy_rollout.as_mut().unwrap();
    (proxy.updated, proxy.unready_nodes) = (3, vec![name("dgx030")]);
    let seen = validate(&scene, &["node-versions".into(), "addons".into(), "gpus".into()]);
    assert!(seen.checks.iter().all(|check| check.result == Outcome::Passed), "{seen:?}");
    assert_eq!(seen.checks[0].evidence[1], "dgx030 is left out: deferred by jane");
}

#[test]
fn a_control_plane_node_that_is_left_out_keeps_its_image_and_bcm_its_version() {
    let mut scene = whole();
    for images in scene.images.values_mut() {
        let old = image("kube-apiserver", "v1.31.9");
        images.as_mut().unwrap().push(ImageSeen { pod: "kube-system/kube-apiserver-runai-03".into(), ..old });
    }
    scene.bcm.as_mut().unwrap().as_mut().unwrap().version = Ok("v1.31.9".parse().unwrap());
    let judged = |scene: &Scene| -> Vec<(String, Outcome, Severity)> {
        let seen = validate(scene, &["running-images".into(), "bcm".into()]);
        seen.checks.into_iter().map(|c| (c.id, c.result, c.severity)).collect()
    };
    let (images, bcm) = ("running-images".to_string(), "bcm".to_string());
    let (failed, blocker) = (Outcome::Failed, Severity::Blocker);
    assert_eq!(judged(&scene), [(images.clone(), failed, blocker), (bcm.clone(), failed, blocker)]);
    scene.without.insert(name("runai-03"), "lost".into());
    assert_eq!(judged(&scene), [(images, Outcome::Passed, blocker), (bcm, failed, Severity::Warning)]);
}

#[test]
fn what_was_asked_for_by_name_is_made_and_what_no_check_has_is_refused() {
    let only = ["tls".to_string(), "site:missing.py".to_string()];
    let seen = validate(&whole(), &only);
    let made: Vec<(&str, Outcome)> = seen.checks.iter().map(|c| (c.id.as_str(), c.result)).collect();
    assert_eq!(made, [("tls", Outcome::Passed), ("site:missing.py", Outcome::Open)]);
    assert!(ids().iter().all(|id| known(id).is_ok()) && known("site:a.py").is_ok());
    let error = known("certificate").unwrap_err().to_string();
    assert!(error.contains("\"certificate\"") && error.contains("node-versions"), "{error}");
    assert!(known("site:").is_err());
}

#[test]
fn evidence_of_a_large_fleet_has_an_end() {
    let mut scene = whole();
    let node = |i: usize| crate::doors::NodeView { ready: false, ..view(&format!("dgx{i:04}"), false) };
    scene.nodes = Ok((0..2000).map(node).collect());
    let seen = validate(&scene, &["node-versions".into()]);
    let evidence = &seen.checks[0].evidence;
    assert_eq!((evidence.len(), evidence.last().unwrap().as_str()), (20, "and 1981 more"));
}

#[test]
fn pods_are_counted_by_namespace_without_those_that_have_ended() {
    let mut pods = cluster_survey().pods.unwrap();
    assert_eq!(not_ready(&pods), BTreeMap::new());
    (pods[0].ready, pods[1].ready, pods[1].finished) = (false, false, true);
    pods.push(crate::survey::PodView { namespace: "podlift".into(), ..pods[0].clone() });
    assert_eq!(not_ready(&pods), BTreeMap::from([("kube-system".to_string(), 1)]));
}

#[test]
fn the_next_command_about_etcd_is_that_of_its_kind() {
    let next = |change: fn(&mut Scene)| {
        let mut scene = whole();
        scene.etcd.clear();
        change(&mut scene);
        validate(&scene, &["etcd".into()]).checks[0].next.clone()
    };
    assert!(next(|_| {}).starts_with("systemctl status etcd"));
    assert!(
        next(|s| s.static_pods.as_mut().unwrap()[0].name = "etcd-runai-01".into()).starts_with("kubectl")
    );
    let both = next(|s| s.static_pods = away());
    assert!(both.contains("kubectl") && both.contains("systemctl"), "{both}");
}
