//! Was it good? By the run's own report and, independently of it, by what the World saw. The World never asks the product.

use super::operator::Story;
use super::scenario::Scenario;
use crate::world::{Audit, What, World};
use podlift_model::KubeVersion;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub id: &'static str,
    pub ok: bool,
    pub evidence: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    pub audit: Audit,
}

impl Verdict {
    pub fn ok(&self) -> bool {
        self.findings.iter().all(|f| f.ok)
    }
}

fn finding(id: &'static str, ok: bool, evidence: impl Into<String>) -> Finding {
    Finding { id, ok, evidence: evidence.into() }
}

fn list<'a>(v: &'a Value, name: &str) -> &'a [Value] {
    v[name].as_array().map_or(&[], Vec::as_slice)
}

pub fn judge(scenario: &Scenario, story: &Story, world: &World) -> Verdict {
    let to = KubeVersion::new(1, 32, 9);
    let report = &story.report;
    let mut audit = world.audit(to);
    audit.doubled.retain(|line| !scenario.expect.twice.iter().any(|allowed| line.starts_with(allowed)));
    let mut findings = vec![
        finding("result", report["result"] == "succeeded", format!("the run says {}", report["result"])),
        nodes(world, to),
        checks(report),
        finding(
            "audit",
            audit.ok(),
            format!("twice: [{}]; never: [{}]", audit.doubled.join("; "), audit.missing.join("; ")),
        ),
    ];
    findings.push(remembered(story));
    findings.extend(expected(scenario, story, world));
    Verdict { findings, audit }
}

/// The coordinator that was killed and the one that was started after it tell the same run.
fn remembered(story: &Story) -> Finding {
    let (before, after) = (&story.before, &story.after);
    let same = before.run == after.run && !before.run.is_null();
    let whole = before.events.len() > 50 && after.events.starts_with(&before.events);
    let text = format!(
        "{} events before a restart of the coordinator, {} after; run the same: {same}",
        before.events.len(),
        after.events.len()
    );
    finding("restart-remembered", same && whole, text)
}

/// Not what the report says: what is there.
fn nodes(world: &World, to: KubeVersion) -> Finding {
    let wanted = to.to_string();
    let package = wanted.trim_start_matches('v').to_string();
    let snapshot = world.snapshot();
    let bad: Vec<String> = snapshot
        .nodes
        .iter()
        .filter(|(name, n)| {
            let tagged = n.manifests.values().all(|(_, image, runs)| image.ends_with(&wanted) && *runs);
            let installed = ["kubeadm", "kubelet", "kubectl"]
                .iter()
                .all(|p| n.packages.get(*p).is_some_and(|v| v.starts_with(&package)));
            let control = world.shape.control_planes.contains(name);
            let serves = !control || (n.api_server && n.manifests.len() == 3);
            let quiet = !n.unschedulable && n.owned.is_empty() && n.held.len() >= 3 && n.stray.is_empty();
            !(n.ready && n.kubelet.as_deref() == Some(&wanted) && tagged && installed && serves && quiet)
        })
        .map(|(name, _)| name.clone())
        .collect();
    let all = snapshot.nodes.len();
    finding(
        "nodes-at-target",
        bad.is_empty(),
        format!("{} of {all} nodes are whole at {wanted} {}", all - bad.len(), bad.join(" ")),
    )
}

fn checks(report: &Value) -> Finding {
    let all = list(report, "checks");
    let open: Vec<String> = all
        .iter()
        .filter(|c| c["result"] != "passed")
        .map(|c| format!("{} is {}", c["id"], c["result"]))
        .collect();
    finding(
        "sign-off",
        !all.is_empty() && open.is_empty(),
        format!("{} checks, not passed: [{}]", all.len(), open.join("; ")),
    )
}

fn expected(scenario: &Scenario, story: &Story, world: &World) -> Vec<Finding> {
    let (want, report) = (&scenario.expect, &story.report);
    let mut all = vec![];
    let prevented = list(report, "prevented").len();
    if want.prevented > 0 {
        all.push(finding(
            "prevented",
            prevented == want.prevented,
            format!("{prevented} of {}", want.prevented),
        ));
    }
    let vip = report["api_outage"]["vip_seconds"].as_f64().unwrap_or(f64::NAN);
    if want.vip_never_away {
        all.push(finding("proxy-never-away", vip == 0.0, format!("{vip} s")));
    }
    if want.heals {
        all.push(heals(report, world));
    }
    if want.outage {
        let endpoints = report["api_outage"]["endpoints"].as_object();
        let longest = endpoints.into_iter().flatten().filter_map(|(_, v)| v.as_f64()).fold(0.0, f64::max);
        all.push(finding(
            "outage-measured",
            longest > 0.0,
            format!("the longest of one API server: {longest} s"),
        ));
        all.push(seen_through(story));
    }
    all
}

/// On each control-plane node; and there kubeadm waited on a pod that it had not written itself.
fn heals(report: &Value, world: &World) -> Finding {
    let healed = |node: &String| list(report, "heals").iter().any(|h| h["node"] == node.as_str());
    let effects = world.effects();
    let waited = |node: &String| {
        let other = |w: &What| matches!(w, What::KubeadmWaited { component, own: false } if component == "kube-apiserver");
        effects.iter().any(|e| e.node == *node && other(&e.what))
    };
    let without: Vec<&String> =
        world.shape.control_planes.iter().filter(|n| !healed(n) || !waited(n)).collect();
    let crashes = effects.iter().filter(|e| matches!(e.what, What::ContainerCrash { .. })).count();
    let heals = list(report, "heals").len();
    let text = format!(
        "{heals} heals, kubeadm waited on the healed pods; without: {without:?}; {crashes} crashes of API servers"
    );
    finding("healed", without.is_empty(), text)
}

/// kubeadm said success; the run paused with the API server's own words and the next command.
fn seen_through(story: &Story) -> Finding {
    let reason = story.paused.as_ref().map(|r| r["paused"].to_string()).unwrap_or_default();
    let ok = story.upgrade == 4
        && reason.contains("--etcd-servers must be specified")
        && reason.contains("podlift retry");
    finding("seen-through", ok, format!("podlift upgrade exited {}; {reason}", story.upgrade))
}
