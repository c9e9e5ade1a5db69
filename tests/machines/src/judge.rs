//! What must be so when a run is over, by what the machines themselves say: dpkg and its log, apt's holds, journald, the World's audit.
//! Of the product only its report is read.

use crate::bcm;
use crate::dpkg::Log;
use crate::fleet::{Fleet, TO};
use crate::machine::Machine;
use serde_json::Value;
use std::collections::BTreeMap;

pub const PACKAGES: [&str; 3] = ["kubeadm", "kubelet", "kubectl"];
/// journald's id of "a unit was started".
const STARTED: &str = "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf";

/// Everything that is not as it should be.
pub async fn complaints(fleet: &Fleet) -> anyhow::Result<Vec<String>> {
    let mut all = report(&fleet.document(&["report"]).await?, fleet.daemon().is_some());
    all.extend(bcm::complaints(fleet).await?);
    for machine in fleet.nodes() {
        let by_image = fleet.imaged().iter().any(|of| of.node == machine.name);
        // Its dpkg has worked in the image.
        let times = usize::from(!by_image || machine.name.starts_with("cp"));
        all.extend(packages(machine, times).await?);
        // Source, kubeadm's package and the kubelet's are ops of their own.
        all.extend(units(machine, 1 + 3 * times).await?);
        all.extend(manifests(machine));
    }
    let audit = fleet.world().audit(TO.parse()?);
    all.extend(audit.doubled.iter().map(|d| format!("done twice: {d}")));
    all.extend(audit.missing.iter().map(|m| format!("never done: {m}")));
    let snapshot = fleet.world().snapshot();
    let behind = snapshot.nodes.iter().filter(|(_, n)| !n.ready || n.kubelet.as_deref() != Some(TO));
    all.extend(behind.map(|(name, n)| format!("{name}: kubelet {:?}, ready: {}", n.kubelet, n.ready)));
    let closed = snapshot.nodes.iter().filter(|(_, n)| n.unschedulable || !n.owned.is_empty());
    all.extend(closed.map(|(name, _)| format!("{name} is still cordoned or marked")));
    Ok(all)
}

fn report(report: &Value, with_bcm: bool) -> Vec<String> {
    let mut all = vec![];
    if report["result"] != "succeeded" {
        all.push(format!("the run says {}: {}", report["result"], report["paused"]));
    }
    let prevented = report["prevented"].as_array().map_or(0, Vec::len);
    if prevented != 2 {
        all.push(format!("{prevented} of 2 faults of kubeadm-config were prevented"));
    }
    let checks = report["checks"].as_array().cloned().unwrap_or_default();
    // Without an agent on the head node the row of BCM's metadata stays for a person.
    // The first layout of BCM's provisioning status does not say which provisioners have an image.
    let open = |c: &Value| match c["id"].as_str() {
        Some("bcm-metadata") => !with_bcm,
        Some("software-images") => with_bcm,
        // The machines have no Calico and no test pods, and certificates of a few days.
        Some("calico" | "validated") => true,
        _ => false,
    };
    let wanted = |c: &Value| if open(c) { "open" } else { "passed" };
    let other = checks.iter().filter(|c| c["result"] != wanted(c));
    all.extend(other.map(|c| format!("check {} is {}: {}", c["id"], c["result"], c["evidence"])));
    all
}

/// At the target, held, and unpacked so many times on the machine itself.
async fn packages(machine: &Machine, wanted_times: usize) -> anyhow::Result<Vec<String>> {
    let (name, log) = (&machine.name, Log::of(machine));
    let mut query = vec!["dpkg-query", "-W", "-f=${Package} ${Version} ${db:Status-Abbrev}\n"];
    query.extend(PACKAGES);
    let installed = machine.run(&query).await?;
    let held = machine.run(&["apt-mark", "showhold"]).await?;
    let wanted = TO.trim_start_matches('v');
    let mut all = vec![];
    for package in PACKAGES {
        let times = log.upgrades(package);
        if times != wanted_times {
            all.push(format!(
                "{name}: dpkg unpacked {package} {wanted} {times} times, expected {wanted_times}"
            ));
        }
        if !installed.lines().any(|l| l.trim_end() == format!("{package} {wanted}-1.1 hi")) {
            all.push(format!("{name}: {package} is not installed and held at {wanted}: {installed}"));
        }
        if !held.lines().any(|l| l == package) {
            all.push(format!("{name}: {package} is not held"));
        }
    }
    Ok(all)
}

/// Whatever else happened, an op id starts one unit at most; at least so many have run, and none is left.
async fn units(machine: &Machine, least: usize) -> anyhow::Result<Vec<String>> {
    let text = machine.run(&["journalctl", "--no-pager", "-o", "json", STARTED]).await?;
    let mut starts: BTreeMap<String, usize> = BTreeMap::new();
    for record in text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
        let unit = record["UNIT"].as_str().unwrap_or_default();
        if unit.starts_with("podlift-") && unit != super::faults::AGENT {
            *starts.entry(unit.into()).or_default() += 1;
        }
    }
    let mut all: Vec<String> = starts
        .iter()
        .filter(|(_, n)| **n > 1)
        .map(|(u, n)| format!("{}: {u} started {n} times", machine.name))
        .collect();
    if starts.len() < least {
        all.push(format!("{}: journald knows of {} op units only", machine.name, starts.len()));
    }
    all.extend(machine.running_ops().iter().map(|u| format!("{}: {u} still runs", machine.name)));
    Ok(all)
}

/// The target's image in each, and nothing else lies there.
fn manifests(machine: &Machine) -> Vec<String> {
    let dir = machine.path("/etc/kubernetes/manifests");
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names: Vec<String> = names.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    let yaml = names.iter().filter(|n| n.ends_with(".yaml"));
    let old = yaml
        .clone()
        .filter(|n| !machine.text(&format!("/etc/kubernetes/manifests/{n}")).contains(&format!(":{TO}")));
    let mut all: Vec<String> = old.map(|n| format!("{}: {n} is not of {TO}", machine.name)).collect();
    let wanted = if machine.name.starts_with("cp") { 3 } else { 0 };
    if yaml.count() != wanted || names.iter().any(|n| !n.ends_with(".yaml") && n != ".kubelet-keep") {
        all.push(format!("{}: its manifest folder has {names:?}", machine.name));
    }
    all
}
