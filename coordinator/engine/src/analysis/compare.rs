//! Compares what is seen after a run with the record from before it, and finds each difference that an operator would have to look into.

use crate::issues::load_balancers::differences;
use crate::program::{Finding, Recorded, Severity, finding};
use crate::survey::{
    BcmApplication, Certificate, Hardware, LoadBalancerView, ServedCertificate, TigeraStatus,
};
use podlift_model::NodeName;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;

/// The differences of what was seen both times. Empty if all is as it was, or better.
pub fn compare(before: &Recorded, after: &Recorded) -> Vec<Finding> {
    let mut out = Vec::new();
    both(&before.served, &after.served, &mut out, certificates);
    both(&before.load_balancers, &after.load_balancers, &mut out, load_balancers);
    if let (Ok(before), Ok(after)) = (&before.hardware, &after.hardware) {
        hardware(before, after, &mut out);
    }
    for (node, was, now) in nodes(&before.mounts, &after.mounts) {
        mounts(node, was, now, &mut out);
    }
    for (node, was, now) in nodes(&before.infiniband, &after.infiniband) {
        infiniband(node, was, now, &mut out);
    }
    both(&before.runtime_classes, &after.runtime_classes, &mut out, classes);
    both(&before.tigera, &after.tigera, &mut out, tigera);
    both(&before.applications, &after.applications, &mut out, applications);
    out
}

fn both<T>(
    before: &Seen<Vec<T>>,
    after: &Seen<Vec<T>>,
    out: &mut Vec<Finding>,
    differ: fn(&[T], &[T], &mut Vec<Finding>),
) {
    if let (Ok(before), Ok(after)) = (before, after) {
        differ(before, after, out);
    }
}

/// Values of the nodes that were seen both times.
fn nodes<'a, T>(
    before: &'a BTreeMap<NodeName, Seen<T>>,
    after: &'a BTreeMap<NodeName, Seen<T>>,
) -> impl Iterator<Item = (&'a NodeName, &'a T, &'a T)> {
    let both = |(node, was): (&'a NodeName, &'a Seen<T>)| {
        Some((node, was.as_ref().ok()?, after.get(node)?.as_ref().ok()?))
    };
    before.iter().filter_map(both)
}

/// The first recorded part that can't be seen now, with the reason. Its state is unknown, which does not mean that it is gone.
pub fn first_unseen(before: &Recorded, after: &Recorded) -> Option<String> {
    let parts = [
        ("LoadBalancer services", lost(&before.load_balancers, &after.load_balancers, Vec::is_empty)),
        ("the nodes' hardware", lost(&before.hardware, &after.hardware, BTreeMap::is_empty)),
        ("runtime classes", lost(&before.runtime_classes, &after.runtime_classes, Vec::is_empty)),
        ("Tigera's state", lost(&before.tigera, &after.tigera, Vec::is_empty)),
        ("served certificates", lost(&before.served, &after.served, Vec::is_empty)),
        ("BCM's applications", lost(&before.applications, &after.applications, Vec::is_empty)),
    ];
    let parts = parts.into_iter().filter_map(|(what, why)| Some((what.to_string(), why?)));
    let mounts = of_nodes("mounts", &before.mounts, &after.mounts, BTreeMap::is_empty);
    let devices = of_nodes("InfiniBand devices", &before.infiniband, &after.infiniband, Vec::is_empty);
    parts.chain(mounts).chain(devices).next().map(|(what, why)| {
        format!("{what} can't be seen, and can't be compared with what was recorded: {why}")
    })
}

/// Why a part that was seen and not empty can't be seen now.
fn lost<T>(before: &Seen<T>, after: &Seen<T>, empty: fn(&T) -> bool) -> Option<String> {
    let recorded = before.as_ref().is_ok_and(|b| !empty(b));
    after.as_ref().err().filter(|_| recorded).cloned()
}

fn of_nodes<'a, T>(
    what: &'static str,
    before: &'a BTreeMap<NodeName, Seen<T>>,
    after: &'a BTreeMap<NodeName, Seen<T>>,
    empty: fn(&T) -> bool,
) -> impl Iterator<Item = (String, String)> + 'a {
    let recorded = before.iter().filter(move |(_, was)| was.as_ref().is_ok_and(|b| !empty(b)));
    recorded.filter_map(move |(node, _)| match after.get(node) {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some((format!("{what} of {node}"), why.clone())),
        None => Some((format!("{what} of {node}"), "its agent did not report them".into())),
    })
}

fn bad(out: &mut Vec<Finding>, check: &str, node: Option<&NodeName>, evidence: String, next: &str) {
    out.push(finding(check, Severity::Blocker, node, evidence, next));
}

/// What the replies at one address have shown: each certificate once, the most frequent one first, and the last failure.
#[derive(Default)]
struct Shown<'a> {
    certificates: Vec<&'a Certificate>,
    failure: Option<&'a String>,
}

/// Certificates by address and name, as sets: several servers behind one address may give several certificates at the same time.
fn certificates(before: &[ServedCertificate], after: &[ServedCertificate], out: &mut Vec<Finding>) {
    let now = shown(after);
    for ((address, name), old) in shown(before).into_iter().filter(|(_, old)| !old.certificates.is_empty()) {
        if let Some((severity, what)) = changed(&old, now.get(&(address, name))) {
            let next = format!("openssl s_client -connect {address} -servername {name} </dev/null");
            let evidence = format!("{name} at {address} {what}");
            out.push(finding("certificate-changed", severity, None, evidence, &next));
        }
    }
}

fn shown(all: &[ServedCertificate]) -> BTreeMap<(&str, &str), Shown<'_>> {
    let mut out: BTreeMap<(&str, &str), Shown> = BTreeMap::new();
    for one in all {
        let place = out.entry((&one.address, &one.server_name)).or_default();
        match &one.certificate {
            Ok(certificate) => place.certificates.push(certificate),
            Err(why) => place.failure = Some(why),
        }
    }
    out
}

/// What differs at one address; `None` if it gives the same certificates as before.
fn changed(old: &Shown, now: Option<&Shown>) -> Option<(Severity, String)> {
    let bad = |what: String| Some((Severity::Blocker, what));
    let Some(now) = now else { return bad("was not asked again".into()) };
    let (before, seen) = (&old.certificates, &now.certificates);
    if let (Some(why), true) = (now.failure, seen.is_empty()) {
        return bad(format!("gives no certificate any more: {why}"));
    }
    let new = without(seen, before);
    if !new.is_empty() {
        let how = if without(before, seen).len() < before.len() { "besides" } else { "instead of" };
        return bad(format!("serves {} {how} {}", texts(&new), texts(before)));
    }
    if let (Some(why), None) = (now.failure, old.failure) {
        return bad(format!("gives no certificate to some of those who ask, and did before: {why}"));
    }
    let gone = without(before, seen);
    let first = before.first().filter(|first| gone.iter().any(|c| c.fingerprint == first.fingerprint));
    match (gone.is_empty(), first) {
        (true, _) => None,
        (false, Some(_)) => bad(format!("serves only {} of {}", texts(seen), texts(before))),
        // One that few servers gave: they may give the right one now.
        (false, None) => Some((Severity::Warning, format!("does not serve {} any more", texts(&gone)))),
    }
}

/// The certificates of `all` that are not in `others`.
fn without<'a>(all: &[&'a Certificate], others: &[&Certificate]) -> Vec<&'a Certificate> {
    all.iter().copied().filter(|c| !others.iter().any(|o| o.fingerprint == c.fingerprint)).collect()
}

fn texts(all: &[&Certificate]) -> String {
    let text = |c: &&Certificate| format!("{} ({})", c.subject, short(&c.fingerprint));
    all.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(12).collect()
}

fn load_balancers(before: &[LoadBalancerView], after: &[LoadBalancerView], out: &mut Vec<Finding>) {
    for difference in differences(before, after) {
        let (severity, next) = (difference.severity(), difference.next());
        out.push(finding("load-balancer-changed", severity, None, difference.what, &next));
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
    node: &NodeName,
    was: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    out: &mut Vec<Finding>,
) {
    for (point, source) in was.iter().filter(|(p, s)| now.get(*p) != Some(*s)) {
        let seen = now.get(point).map_or("nothing", String::as_str);
        let evidence = format!("{seen} is mounted at {point}, it was {source}");
        bad(out, "mount-changed", Some(node), evidence, &format!("ssh {node} findmnt {point}"));
    }
}

fn infiniband(node: &NodeName, was: &[String], now: &[String], out: &mut Vec<Finding>) {
    let gone: Vec<&str> = was.iter().filter(|d| !now.contains(d)).map(String::as_str).collect();
    if !gone.is_empty() {
        let evidence = format!("InfiniBand devices are gone: {}", gone.join(", "));
        bad(out, "infiniband-changed", Some(node), evidence, &format!("ssh {node} ls /sys/class/infiniband"));
    }
}

fn classes(before: &[String], after: &[String], out: &mut Vec<Finding>) {
    for class in before.iter().filter(|c| !after.contains(c)) {
        bad(
            out,
            "runtime-class-gone",
            None,
            format!("RuntimeClass {class} is gone"),
            "kubectl get runtimeclass",
        );
    }
}

fn tigera(before: &[TigeraStatus], after: &[TigeraStatus], out: &mut Vec<Finding>) {
    for was in before.iter().filter(|t| t.available && !t.degraded) {
        let now = after.iter().find(|t| t.name == was.name);
        let evidence = match now {
            Some(t) if t.available && !t.degraded => continue,
            Some(t) => format!("{} is not as available as it was: {}", t.name, t.message),
            None => format!("{} is gone from Tigera's states", was.name),
        };
        bad(out, "tigera-changed", None, evidence, "kubectl get tigerastatus");
    }
}

/// Applications that BCM applied before and no longer applies. A new application is no loss.
fn applications(before: &[BcmApplication], after: &[BcmApplication], out: &mut Vec<Finding>) {
    for was in before.iter().filter(|a| a.enabled) {
        let now = after.iter().find(|a| a.name == was.name);
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
#[path = "compare_tests.rs"]
mod tests;
