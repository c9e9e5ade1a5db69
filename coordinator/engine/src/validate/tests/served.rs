//! What is changed in a whole cluster, and what the checks say of it: what it serves and runs, its books, its certificates and the site's
//! own checks.

use super::*;
use crate::survey::LoadBalancerView;

fn balancers(scene: &mut Scene) -> &mut Vec<LoadBalancerView> {
    scene.load_balancers.as_mut().unwrap()
}

pub(super) const SERVED: &[Case] = &[
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
