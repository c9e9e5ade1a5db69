//! Compares what is seen after a run with the record from before it, and finds each difference that an operator would have to look into.

use crate::program::{Finding, Recorded, Severity, finding};
use crate::survey::{ClusterSurvey, Hardware, LoadBalancerView, ServedCertificate};
use podlift_model::NodeName;
use std::collections::{BTreeMap, BTreeSet};

/// The differences. Empty if all is as it was, or better.
pub fn compare(before: &Recorded, after: &Recorded) -> Vec<Finding> {
    let mut out = Vec::new();
    certificates(&before.served, &after.served, &mut out);
    load_balancers(&before.load_balancers, &after.load_balancers, &mut out);
    hardware(&before.hardware, &after.hardware, &mut out);
    mounts(&before.mounts, &after.mounts, &mut out);
    infiniband(&before.infiniband, &after.infiniband, &mut out);
    classes(before, after, &mut out);
    tigera(before, after, &mut out);
    applications(before, after, &mut out);
    out
}

/// The first recorded part that can't be seen now, with the reason. Its state is unknown, which does not mean that it is gone.
pub fn unseen(before: &Recorded, seen: &ClusterSurvey) -> Option<String> {
    // Without a head node in the configuration, BCM is not asked.
    let not_asked = "no head node is configured ([bcm] head in coordinator.toml)".to_string();
    let applications = match &seen.applications {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(&not_asked),
        Err(why) => Err(why),
    };
    let parts = [
        ("LoadBalancer services", before.load_balancers.is_empty(), seen.load_balancers.as_ref().err()),
        ("the nodes' hardware", before.hardware.is_empty(), seen.hardware.as_ref().err()),
        ("runtime classes", before.runtime_classes.is_empty(), seen.runtime_classes.as_ref().err()),
        ("Tigera's state", before.tigera.is_empty(), seen.tigera.as_ref().err()),
        ("ingresses", before.served.is_empty(), seen.ingresses.as_ref().err()),
        ("BCM's applications", before.applications.is_empty(), applications.err()),
    ];
    parts.into_iter().filter(|(_, nothing, _)| !nothing).find_map(|(what, _, why)| {
        why.map(|why| format!("{what} can't be seen, and can't be compared with what was recorded: {why}"))
    })
}

fn bad(out: &mut Vec<Finding>, check: &str, node: Option<&NodeName>, evidence: String, next: &str) {
    out.push(finding(check, Severity::Blocker, node, evidence, next));
}

fn certificates(before: &[ServedCertificate], after: &[ServedCertificate], out: &mut Vec<Finding>) {
    for was in before {
        let Ok(old) = &was.certificate else { continue };
        let now = after.iter().find(|s| (&s.address, &s.server_name) == (&was.address, &was.server_name));
        let what = match now.map(|s| &s.certificate) {
            None => "was not asked again".into(),
            Some(Err(why)) => format!("gives no certificate any more: {why}"),
            Some(Ok(new)) if new.fingerprint == old.fingerprint => continue,
            Some(Ok(new)) => format!(
                "serves {} ({}) instead of {} ({})",
                new.subject,
                short(&new.fingerprint),
                old.subject,
                short(&old.fingerprint)
            ),
        };
        let next =
            format!("openssl s_client -connect {} -servername {} </dev/null", was.address, was.server_name);
        bad(
            out,
            "certificate-changed",
            None,
            format!("{} at {} {what}", was.server_name, was.address),
            &next,
        );
    }
}

fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(12).collect()
}

fn load_balancers(before: &[LoadBalancerView], after: &[LoadBalancerView], out: &mut Vec<Finding>) {
    for was in before {
        let name = format!("{}/{}", was.namespace, was.name);
        let next = format!("kubectl -n {} get service {} -o yaml", was.namespace, was.name);
        let Some(now) = after.iter().find(|s| (&s.namespace, &s.name) == (&was.namespace, &was.name)) else {
            bad(
                out,
                "load-balancer-changed",
                None,
                format!("service {name} is gone or no LoadBalancer any more"),
                &next,
            );
            continue;
        };
        let set = |s: &LoadBalancerView| s.addresses.iter().cloned().collect::<BTreeSet<_>>();
        if set(now) != set(was) {
            let text = |s: &LoadBalancerView| {
                if s.addresses.is_empty() { "none".into() } else { s.addresses.join(", ") }
            };
            let evidence = format!("service {name} has address {} instead of {}", text(now), text(was));
            bad(out, "load-balancer-changed", None, evidence, &next);
        } else if was.assigned_by.is_some() && now.assigned_by != was.assigned_by {
            let by = |s: &LoadBalancerView| s.assigned_by.clone().unwrap_or_else(|| "nobody known".into());
            let evidence =
                format!("the address of service {name} is now given by {}, it was {}", by(now), by(was));
            out.push(finding("load-balancer-changed", Severity::Warning, None, evidence, &next));
        }
    }
}

fn hardware(
    before: &BTreeMap<NodeName, Hardware>,
    after: &BTreeMap<NodeName, Hardware>,
    out: &mut Vec<Finding>,
) {
    let none = Hardware::default();
    for (node, was) in before {
        let now = after.get(node).unwrap_or(&none);
        for (resource, count) in &was.allocatable {
            let seen = now.allocatable.get(resource).map_or("none", String::as_str);
            if fewer(seen, count) {
                let evidence = format!("{resource}: {seen} allocatable, {count} before");
                bad(out, "hardware-changed", Some(node), evidence, &format!("kubectl describe node {node}"));
            }
        }
        for (label, value) in was.labels.iter().filter(|(l, v)| now.labels.get(*l) != Some(*v)) {
            let seen = now.labels.get(label).map_or("absent", String::as_str);
            let evidence = format!("label {label} is {seen}, it was {value}");
            bad(out, "hardware-changed", Some(node), evidence, &format!("kubectl describe node {node}"));
        }
    }
}

/// Whether a number has fallen; an increase is no loss. Values that are no numbers must be the same.
fn fewer(now: &str, before: &str) -> bool {
    match (now.parse::<u64>(), before.parse::<u64>()) {
        (Ok(now), Ok(before)) => now < before,
        (Err(_), Ok(0)) => false,
        _ => now != before,
    }
}

fn mounts(
    before: &BTreeMap<NodeName, BTreeMap<String, String>>,
    after: &BTreeMap<NodeName, BTreeMap<String, String>>,
    out: &mut Vec<Finding>,
) {
    for (node, was) in before {
        let now = after.get(node);
        for (point, source) in was.iter().filter(|(p, s)| now.and_then(|n| n.get(*p)) != Some(*s)) {
            let seen = now.and_then(|n| n.get(point)).map_or("nothing", String::as_str);
            let evidence = format!("{seen} is mounted at {point}, it was {source}");
            bad(out, "mount-changed", Some(node), evidence, &format!("ssh {node} findmnt {point}"));
        }
    }
}

fn infiniband(
    before: &BTreeMap<NodeName, Vec<String>>,
    after: &BTreeMap<NodeName, Vec<String>>,
    out: &mut Vec<Finding>,
) {
    for (node, was) in before {
        let now = after.get(node).map(Vec::as_slice).unwrap_or_default();
        let gone: Vec<&str> = was.iter().filter(|d| !now.contains(d)).map(String::as_str).collect();
        if !gone.is_empty() {
            let evidence = format!("InfiniBand devices are gone: {}", gone.join(", "));
            bad(
                out,
                "infiniband-changed",
                Some(node),
                evidence,
                &format!("ssh {node} ls /sys/class/infiniband"),
            );
        }
    }
}

fn classes(before: &Recorded, after: &Recorded, out: &mut Vec<Finding>) {
    for class in before.runtime_classes.iter().filter(|c| !after.runtime_classes.contains(c)) {
        bad(
            out,
            "runtime-class-gone",
            None,
            format!("RuntimeClass {class} is gone"),
            "kubectl get runtimeclass",
        );
    }
}

fn tigera(before: &Recorded, after: &Recorded, out: &mut Vec<Finding>) {
    for was in before.tigera.iter().filter(|t| t.available && !t.degraded) {
        let now = after.tigera.iter().find(|t| t.name == was.name);
        let evidence = match now {
            Some(t) if t.available && !t.degraded => continue,
            Some(t) => format!("{} is not as available as it was: {}", t.name, t.message),
            None => format!("{} is gone from Tigera's states", was.name),
        };
        bad(out, "tigera-changed", None, evidence, "kubectl get tigerastatus");
    }
}

/// Applications that BCM applied before and no longer applies. A new application is no loss.
fn applications(before: &Recorded, after: &Recorded, out: &mut Vec<Finding>) {
    for was in before.applications.iter().filter(|a| a.enabled) {
        let now = after.applications.iter().find(|a| a.name == was.name);
        let what = match now {
            Some(a) if a.enabled => continue,
            Some(_) => "is switched off",
            None => "is gone",
        };
        let evidence = format!("BCM's application {} {what}", was.name);
        let next = "cmsh -c \"kubernetes; appgroups; use system; applications; list\"";
        bad(out, "bcm-application-changed", None, evidence, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::upgrade::build;
    use crate::testing::survey::{certificate, hardware};
    use crate::testing::{input, name};

    fn recorded() -> Recorded {
        let mut r = build(&input()).unwrap().recorded;
        r.served.push(ServedCertificate {
            address: "10.77.0.90:443".into(),
            server_name: "runai.example".into(),
            certificate: Ok(certificate("aa")),
        });
        r.mounts.insert(name("dgx030"), BTreeMap::from([("/raid".into(), "/dev/md1".into())]));
        r.infiniband.insert(name("dgx030"), vec!["mlx5_0".into()]);
        r.hardware
            .get_mut(&name("dgx030"))
            .unwrap()
            .labels
            .insert("nvidia.com/mig.config".into(), "all-1g.10gb".into());
        r
    }

    #[test]
    fn the_same_and_more_is_no_difference() {
        let before = recorded();
        assert_eq!(compare(&before, &before), []);
        let mut more = before.clone();
        more.hardware
            .get_mut(&name("dgx030"))
            .unwrap()
            .allocatable
            .insert("nvidia.com/gpu".into(), "16".into());
        more.hardware.insert(name("dgx031"), hardware());
        more.runtime_classes.push("kata".into());
        assert_eq!(compare(&before, &more), []);
        assert_eq!(compare(&Recorded::default(), &before), []);
    }

    #[test]
    fn each_difference_is_named() {
        type Change = fn(&mut Recorded);
        let cases: [(Change, &str, &str); 13] = [
            (|r| r.applications[0].enabled = false, "bcm-application-changed", "calico is switched off"),
            (|r| r.applications.clear(), "bcm-application-changed", "calico is gone"),
            (|r| r.served[0].certificate = Ok(certificate("bb")), "certificate-changed", "(bb) instead of"),
            (
                |r| r.served[0].certificate = Err("refused".into()),
                "certificate-changed",
                "no certificate any more: refused",
            ),
            (|r| r.served.clear(), "certificate-changed", "not asked again"),
            (
                |r| r.load_balancers[0].addresses = vec!["10.77.0.91".into()],
                "load-balancer-changed",
                "10.77.0.91 instead of 10.77.0.90",
            ),
            (
                |r| r.load_balancers[0].assigned_by = None,
                "load-balancer-changed",
                "given by nobody known, it was metallb",
            ),
            (|r| r.load_balancers.clear(), "load-balancer-changed", "is gone"),
            (
                |r| r.hardware.get_mut(&name("dgx030")).unwrap().allocatable.clear(),
                "hardware-changed",
                "none allocatable, 8 before",
            ),
            (
                |r| r.hardware.get_mut(&name("dgx030")).unwrap().labels.clear(),
                "hardware-changed",
                "is absent, it was all-1g.10gb",
            ),
            (|r| r.mounts.clear(), "mount-changed", "nothing is mounted at /raid"),
            (|r| r.infiniband.clear(), "infiniband-changed", "mlx5_0"),
            (|r| r.tigera[0].degraded = true, "tigera-changed", "calico is not as available"),
        ];
        for (change, check, want) in cases {
            let (before, mut after) = (recorded(), recorded());
            change(&mut after);
            let found = compare(&before, &after);
            assert!(
                found.len() == 1 && found[0].check == check && found[0].evidence.contains(want),
                "{want}: {found:?}"
            );
        }
    }
}
