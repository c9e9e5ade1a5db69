//! The verdict: by the run's own report and, independently of it, by what the World has recorded. The World never asks the product.

mod end;
mod expected;
mod images;
mod issues;
mod left;

use super::director::Director;
use super::operator::Story;
use super::scenario::Scenario;
use crate::world::{Audit, World};
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

/// What everything is judged by.
struct Case<'a> {
    scenario: &'a Scenario,
    story: &'a Story,
    world: &'a World,
    to: KubeVersion,
}

pub(super) fn finding(id: &'static str, ok: bool, evidence: impl Into<String>) -> Finding {
    Finding { id, ok, evidence: evidence.into() }
}

fn list<'a>(v: &'a Value, name: &str) -> &'a [Value] {
    v[name].as_array().map_or(&[], Vec::as_slice)
}

pub fn judge(
    scenario: &Scenario,
    story: &Story,
    world: &World,
    director: &Director,
    to: KubeVersion,
) -> Verdict {
    let case = Case { scenario, story, world, to };
    let out = [scenario.expect.deferred.clone(), scenario.expect.lost.clone()].concat();
    let mut audit = world.audit_without(to, &out);
    audit.doubled.retain(|line| !scenario.expect.twice.iter().any(|allowed| line.starts_with(allowed)));
    let mut findings = end::findings(&case, &audit);
    let missed = director.missed();
    if director.count() > 0 {
        let text =
            format!("{} of {} events happened {missed:?}", director.count() - missed.len(), director.count());
        findings.push(finding("events-happened", missed.is_empty(), text));
    }
    findings.extend(expected::findings(&case));
    Verdict { findings, audit }
}
