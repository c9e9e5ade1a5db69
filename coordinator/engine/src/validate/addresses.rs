//! The LoadBalancer services have the addresses that they had before.

use super::check::{Check, Verdict, open, passed};
use super::sighted::{failure, sightings};
use super::{Group, Scene};
use crate::issues::IssueName;
use crate::program::Severity;
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "addresses",
    title: "LoadBalancer services have their addresses",
    group: Group::Network,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get services -A --field-selector spec.type=LoadBalancer";

fn judge(scene: &Scene) -> Verdict {
    let now = match &scene.load_balancers {
        Err(why) => return open(format!("the services can't be seen: {why}"), NEXT),
        Ok(now) => now,
    };
    if let Some(verdict) = failure(&sightings(scene, IssueName::LoadBalancers)) {
        return verdict;
    }
    let listed = || now.iter().map(|s| format!("{}/{}: {}", s.namespace, s.name, s.addresses.join(", ")));
    match scene.before.as_ref().and_then(|before| before.load_balancers.as_ref()) {
        Err(why) => open(format!("there is no record to compare them with: {why}"), NEXT).and(listed()),
        Ok(before) => passed(format!("{} as recorded", count(before.len(), "service"))).and(listed()),
    }
}
