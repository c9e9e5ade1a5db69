//! What the scenario is about.

use super::{Case, Finding, finding, issues, left, list};
use crate::objects::Key;
use crate::world::kubeadm_config::{self, EtcdConfig};
use crate::world::{What, pods};
use serde_json::Value;

pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let want = &case.scenario.expect;
    let one = |wanted: bool, look: &dyn Fn(&Case) -> Finding| wanted.then(|| look(case));
    let all = [
        one(want.prevented.is_some(), &prevented),
        one(want.proxy_never_away && case.world.shape.control_planes.len() > 1, &proxy_never_away),
        one(want.proxy_away, &proxy_away),
        one(want.proxy_unnoticed, &proxy_unnoticed),
        one(!want.healed.is_empty(), &healed),
        one(want.waited, &waited),
        one(want.outage, &outage),
        one(!want.deferred.is_empty(), &left::deferred),
        one(!want.lost.is_empty(), &lost),
        one(!want.set_aside.is_empty(), &set_aside),
        one(!want.cordoned.is_empty(), &left::cordoned),
        one(want.indeterminate > 0, &indeterminate),
        one(!want.interrupted.is_empty(), &interrupted),
        one(want.configs, &configs),
        one(want.images, &super::images::images),
        one(want.never_in_vain, &never_in_vain),
        one(want.images_in_place, &images_in_place),
        one(want.sources, &sources),
        one(!want.issues.is_empty(), &issues::named),
        one(want.vip_unfailed && case.world.shape.control_planes.len() > 1, &issues::vip_unfailed),
        one(want.as_served, &issues::as_served),
    ];
    all.into_iter().flatten().collect()
}

/// By the lab's own count, by the report, and by the batches that were chosen.
fn interrupted(case: &Case) -> Finding {
    let report = &case.story.report;
    let times = |name: &String| {
        let id = format!("runai/PodGroup/pg-{name}");
        let row = list(report, "interrupted").iter().find(|r| r["job"] == id.as_str());
        let batches = list(report, "batches")
            .iter()
            .filter(|b| list(b, "interrupts").iter().any(|j| *j == id.as_str()));
        [
            case.world.interruptions(name),
            row.and_then(|r| r["times"].as_u64()).unwrap_or(0),
            batches.count() as u64,
        ]
    };
    let all: Vec<(&String, &u64, [u64; 3])> =
        case.scenario.expect.interrupted.iter().map(|(name, want)| (name, want, times(name))).collect();
    let ok = all.iter().all(|(_, want, seen)| seen.iter().all(|n| n == *want));
    finding("interrupted", ok, format!("expected, then by the lab, by the report, in batches: {all:?}"))
}

fn prevented(case: &Case) -> Finding {
    let (is, want) =
        (list(&case.story.report, "prevented").len(), case.scenario.expect.prevented.unwrap_or(0));
    finding("prevented", is == want, format!("{is} of {want}"))
}

fn proxy(case: &Case) -> f64 {
    case.story.report["api_outage"]["vip_seconds"].as_f64().unwrap_or(f64::NAN)
}

fn proxy_never_away(case: &Case) -> Finding {
    finding("proxy-never-away", proxy(case) == 0.0, format!("{} s", proxy(case)))
}

/// A run of the lab takes seconds, in which a client asks hundreds of times.
const ENOUGH: u64 = 200;

fn proxy_unnoticed(case: &Case) -> Finding {
    let seen = case.story.client.clone().unwrap_or_default();
    let ok = seen.failed == 0 && seen.requests >= ENOUGH && proxy(case) == 0.0;
    let text = format!(
        "{} of {} requests failed {:?}, the longest time without a success: {} ms; the run's own probe: {} s",
        seen.failed,
        seen.requests,
        seen.failures,
        seen.longest_gap_ms,
        proxy(case)
    );
    finding("proxy-unnoticed", ok, text)
}

fn proxy_away(case: &Case) -> Finding {
    finding("proxy-away", proxy(case) > 1.0, format!("measured: {} s", proxy(case)))
}

/// Nodes by name, or `control-plane` for all of those.
fn named(case: &Case, names: &[String]) -> Vec<String> {
    match names.iter().any(|n| n == super::super::scenario::ALL_SERVERS) {
        true => case.world.shape.control_planes.clone(),
        false => names.to_vec(),
    }
}

/// In the history, which outlives coordinators: what the report says of its run, and what happened before and after.
fn healed(case: &Case) -> Finding {
    let events = case.story.after.events.iter().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let heals: Vec<Value> = events.filter(|r| r["event"] == "healed").map(|r| r["heal"].clone()).collect();
    let on = |node: &String| heals.iter().any(|h| h["node"] == node.as_str());
    let without: Vec<String> =
        named(case, &case.scenario.expect.healed).into_iter().filter(|n| !on(n)).collect();
    let count = |what: &str| {
        let effects = case.world.effects();
        effects
            .iter()
            .filter(|e| matches!(&e.what, What::ContainerCrash { name, .. } if name == what))
            .count()
    };
    let text = format!(
        "{} heals in the history, without: {without:?}; {} crashes of API servers",
        heals.len(),
        count("kube-apiserver")
    );
    finding("healed", without.is_empty(), text)
}

/// Times that kubeadm gave up after five minutes.
fn in_vain(case: &Case) -> usize {
    let vain =
        |w: &What| matches!(w, What::KubeadmFailed { why } if why.contains("did not change after 5m0s"));
    case.world.effects().iter().filter(|e| vain(&e.what)).count()
}

fn never_in_vain(case: &Case) -> Finding {
    let times = in_vain(case);
    finding("never-in-vain", times == 0, format!("kubeadm waited five minutes in vain {times} times"))
}

fn images_in_place(case: &Case) -> Finding {
    let missing = |what: &What| match what {
        What::ImageMissing { pod, image } => Some(format!("{pod} lacks {image}")),
        _ => None,
    };
    let waiting: Vec<String> = {
        let s = case.world.lock();
        s.api.pods().filter(|(_, p)| pods::waits_for_image(p)).map(|(k, _)| k.name.clone()).collect()
    };
    let all: Vec<String> = case
        .world
        .effects()
        .iter()
        .filter_map(|e| missing(&e.what).map(|text| format!("{}: {text}", e.node)))
        .chain(waiting)
        .collect();
    finding("images-in-place", all.is_empty(), format!("pods that waited for an image: [{}]", all.join("; ")))
}

fn sources(case: &Case) -> Finding {
    let wanted = format!(":/v{}.{}/", case.to.major, case.to.minor);
    let snapshot = case.world.snapshot();
    let old = snapshot.nodes.iter().filter(|(_, n)| !n.apt_source.contains(&wanted));
    let old: Vec<&String> = old.map(|(name, _)| name).collect();
    finding(
        "apt-sources",
        old.is_empty(),
        format!("nodes with another apt source than the target's: {old:?}"),
    )
}

/// There kubeadm waited on a pod that it had not written itself, and did not wait in vain.
fn waited(case: &Case) -> Finding {
    let effects = case.world.effects();
    let other = |w: &What| matches!(w, What::KubeadmWaited { component, own: false } if component == "kube-apiserver");
    let on = |node: &String| effects.iter().any(|e| e.node == *node && other(&e.what));
    let without: Vec<String> =
        named(case, &case.scenario.expect.healed).into_iter().filter(|n| !on(n)).collect();
    let vain = in_vain(case);
    let text =
        format!("kubeadm waited on healed pods, without: {without:?}; five minutes in vain: {vain} times");
    finding("waited-on-healed", without.is_empty() && vain == 0, text)
}

fn outage(case: &Case) -> Finding {
    let endpoints = case.story.report["api_outage"]["endpoints"].as_object();
    let longest = endpoints.into_iter().flatten().filter_map(|(_, v)| v.as_f64()).fold(0.0, f64::max);
    finding("outage-measured", longest > 0.0, format!("the longest of one API server: {longest} s"))
}

/// The report and the journal name them.
fn lost(case: &Case) -> Finding {
    let want = &case.scenario.expect.lost;
    let rows = list(&case.story.report, "nodes").iter().filter(|n| n["result"] == "lost");
    let named: Vec<&str> = rows.filter_map(|n| n["name"].as_str()).collect();
    let journal = in_journal(case, "node-lost");
    finding("lost", named == *want && journal == *want, format!("report: {named:?}, journal: {journal:?}"))
}

/// The journal names them and nothing else, and at the end they are upgraded and uncordoned like the others (`nodes-at-target`).
fn set_aside(case: &Case) -> Finding {
    let named = in_journal(case, "node-set-aside");
    finding("set-aside", named == case.scenario.expect.set_aside, format!("journal: {named:?}"))
}

/// The nodes of a kind of event, in order of name.
fn in_journal(case: &Case, event: &str) -> Vec<String> {
    let records = case.story.after.events.iter().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let nodes = records.filter(|r| r["event"] == event).filter_map(|r| r["node"].as_str().map(String::from));
    let nodes: std::collections::BTreeSet<String> = nodes.collect();
    nodes.into_iter().collect()
}

fn indeterminate(case: &Case) -> Finding {
    let is = list(&case.story.report, "indeterminate").len();
    let want = case.scenario.expect.indeterminate;
    finding(
        "indeterminate",
        is >= want,
        format!("{is} ops with an unknown outcome, expected at least {want}"),
    )
}

/// The text of a ConfigMap of kubeadm's, by the name of its key.
fn config_text(case: &Case, name: &str, key: &str) -> String {
    let s = case.world.lock();
    let map = s.api.get(&Key::config_map(name));
    map.and_then(|m| m["data"][key].as_str()).unwrap_or_default().to_string()
}

/// By the objects: version and etcd endpoints in kubeadm-config, and in kubelet-config the setting that all nodes have.
fn configs(case: &Case) -> Finding {
    let shape = &case.world.shape;
    let config = kubeadm_config::parse(&config_text(case, "kubeadm-config", "ClusterConfiguration"));
    let kubelet = config_text(case, "kubelet-config", "kubelet");
    let whole = config.as_ref().is_ok_and(|c| {
        let endpoints = match &c.etcd {
            EtcdConfig::External { endpoints, .. } => endpoints.clone(),
            EtcdConfig::Local { .. } => vec![],
        };
        c.version == case.to.to_string() && endpoints == shape.etcd_endpoints()
    });
    let settings = !shape.kubelet_settings || kubelet.lines().any(|l| l == "maxPods: 500");
    let text = format!("kubeadm-config renders what runs: {whole}; kubelet-config has maxPods: {settings}");
    finding("configs", whole && settings, text)
}
