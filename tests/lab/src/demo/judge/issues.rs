//! The runbook's issues: what the report says of each, and whether what was taken away is back.

use super::{Case, Finding, finding, list};
use crate::objects::Key;
use crate::world::certificates;
use crate::world::ingress::Answer;
use crate::world::site::{DOMAIN, runbook};
use crate::world::{World, balancers};
use serde_json::Value;

/// Issues that a repair of kubeadm-config prevents, each with a word of what was prevented.
const PREVENTED: &[(&str, &str)] =
    &[("etcd-servers", "etcd"), ("feature-gates", "MaxUnavailableStatefulSet")];

/// By the rows of the issues that say what was done, and by what was prevented.
pub(super) fn named(case: &Case) -> Finding {
    let report = &case.story.report;
    let in_rows = |name: &str| {
        let mut rows = list(report, "issues").iter().filter(|r| r["issue"] == name);
        rows.any(|r| r["done"].as_str().is_some_and(|text| !text.is_empty()))
    };
    let prevented = |name: &str| {
        let word = PREVENTED.iter().find(|(issue, _)| *issue == name).map(|(_, word)| *word);
        word.is_some_and(|word| list(report, "prevented").iter().any(|p| p.to_string().contains(word)))
    };
    let want = &case.scenario.expect.issues;
    let silent: Vec<&String> = want.iter().filter(|name| !in_rows(name) && !prevented(name)).collect();
    finding("issues-named", silent.is_empty(), format!("of {want:?} the report says nothing of {silent:?}"))
}

/// Requests of each kind that the run makes at the proxy's address: twenty a second, so that a minute has enough of them.
const ENOUGH: u64 = 200;
const LONGEST_GAP_MS: u64 = 500;

pub(super) fn vip_unfailed(case: &Case) -> Finding {
    let kinds = case.story.report["probes"].as_object();
    let of_vip: Vec<(&String, &Value)> = kinds
        .into_iter()
        .flatten()
        .map(|(kind, all)| (kind, &all["vip"]))
        .filter(|(_, v)| v.is_object())
        .collect();
    let number = |v: &Value, field: &str| v[field].as_u64().unwrap_or(u64::MAX);
    let good = |v: &Value| number(v, "failed") == 0 && number(v, "longest_gap_ms") <= LONGEST_GAP_MS;
    let reads = of_vip
        .iter()
        .filter(|(kind, _)| *kind == "read")
        .any(|(_, v)| v["requests"].as_u64() >= Some(ENOUGH));
    let ok = reads && of_vip.iter().all(|(_, v)| good(v));
    let text: Vec<String> = of_vip
        .iter()
        .map(|(kind, v)| {
            format!(
                "{kind}: {} of {} failed, longest gap {} ms",
                v["failed"], v["requests"], v["longest_gap_ms"]
            )
        })
        .collect();
    finding("vip-unfailed", ok, format!("by the report: [{}]", text.join("; ")))
}

fn addresses(world: &World, namespace: &str, name: &str) -> Vec<String> {
    let s = world.lock();
    let service = s.api.get(&Key::new("", "services", namespace, name));
    service.into_iter().flat_map(balancers::addresses).map(String::from).collect()
}

/// The addresses of both load balancers, and the certificate at the wire.
pub(super) fn as_served(case: &Case) -> Finding {
    let world = case.world;
    let (ingress, runai) = (world.shape.ingress_address(), runbook::runai_address(&world.shape));
    let is = [
        addresses(world, "ingress-nginx", "ingress-nginx-controller"),
        addresses(world, "runai", "runai-loadbalancer"),
    ];
    let good = certificates::site_for_years(&format!("*.{DOMAIN}")).key;
    let same = match world.ingress_answers(&ingress, &format!("runai.{DOMAIN}")) {
        Answer::Serves(pair, page) => pair.key == good && page.status == 200,
        _ => false,
    };
    let ok = same && is[0] == [ingress] && is[1] == [runai];
    finding("as-served", ok, format!("addresses {is:?}; the certificate of before is presented: {same}"))
}
