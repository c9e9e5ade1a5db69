//! Budgets that would block a drain, counted as the API server counts them (Kubernetes 1.32 `registry/core/pod/storage/eviction.go`), over
//! all pods of a node and without any request.

use crate::survey::{BudgetView, PodView};
use std::collections::BTreeMap;

/// A pod whose eviction would be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub pod: String,
    pub what: String,
    /// True if waiting does not help, because the budget can never allow the eviction.
    pub forever: bool,
}

/// Evicts the pods of a node one after another, and tracks what each budget has left. A refused eviction uses nothing of a budget.
pub(super) fn obstacles(pods: &[&PodView], budgets: &Budgets) -> Vec<Obstacle> {
    let mut left: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    let going = pods.iter().filter(|p| p.evicted() && p.budgeted());
    going.filter_map(|pod| evict(pod, &protecting(pod, budgets), &mut left)).collect()
}

/// Budgets by namespace: a cluster has many, and a pod is compared only with those of its own namespace.
pub(super) struct Budgets<'a>(BTreeMap<&'a str, Vec<&'a BudgetView>>);

impl<'a> Budgets<'a> {
    pub fn new(all: &'a [BudgetView]) -> Self {
        let mut out: BTreeMap<&str, Vec<&BudgetView>> = BTreeMap::new();
        all.iter().for_each(|b| out.entry(&b.namespace).or_default().push(b));
        Self(out)
    }
}

fn protecting<'a>(pod: &PodView, budgets: &Budgets<'a>) -> Vec<&'a BudgetView> {
    let near = budgets.0.get(pod.namespace.as_str());
    near.into_iter().flatten().copied().filter(|b| b.selector.matches(&pod.labels)).collect()
}

fn evict<'a>(
    pod: &PodView,
    protecting: &[&'a BudgetView],
    left: &mut BTreeMap<(&'a str, &'a str), i32>,
) -> Option<Obstacle> {
    let obstacle = |what: String, forever| Some(Obstacle { pod: pod.full_name(), what, forever });
    let budget = match protecting {
        [] => return None,
        [one] => one,
        many => {
            let names: Vec<&str> = many.iter().map(|b| b.name.as_str()).collect();
            let what = format!(
                "{}: {} protect it ({}), and an eviction ends with 500 then",
                pod.full_name(),
                podlift_model::count(many.len(), "budget"),
                names.join(", ")
            );
            return obstacle(what, true);
        }
    };
    if !pod.ready && passes_unready(budget) {
        return None;
    }
    let said = format!(
        "{}: budget {} allows {}, {} of {} healthy, {} wanted",
        pod.full_name(),
        budget.name,
        podlift_model::count(budget.disruptions_allowed, "disruption"),
        budget.current_healthy,
        podlift_model::count(budget.expected_pods, "pod"),
        budget.desired_healthy
    );
    if let Some(why) = &budget.sync_failed {
        let what = format!(
            "{}: budget {} can never allow an eviction, because its controller can't count its pods (SyncFailed: {why})",
            pod.full_name(),
            budget.name
        );
        return obstacle(what, true);
    }
    if !budget.observed {
        return obstacle(format!("{said}; its controller has not seen its latest change"), false);
    }
    let allowed = left.entry((&budget.namespace, &budget.name)).or_insert(budget.disruptions_allowed);
    match *allowed {
        1.. => {
            *allowed -= 1;
            None
        }
        _ if budget.disruptions_allowed > 0 => obstacle(
            format!("{said}, and more of its pods are on this node: they go one after another"),
            false,
        ),
        _ => obstacle(said, never(budget)),
    }
}

/// A pod that is not ready may be evicted if the budget is satisfied without it, or always allows it.
fn passes_unready(budget: &BudgetView) -> bool {
    let content = budget.current_healthy >= budget.desired_healthy && budget.desired_healthy > 0;
    content || budget.unhealthy_policy == "AlwaysAllow"
}

/// Whether the budget would allow no eviction even if every pod were healthy: it wants all of them, or its controller counts none although
/// it protects a pod.
fn never(budget: &BudgetView) -> bool {
    budget.expected_pods == 0 || budget.desired_healthy >= budget.expected_pods
}

impl PodView {
    /// Whether it is an OSD of Rook, by Rook's own label.
    pub(super) fn is_osd(&self) -> bool {
        self.labels.get("app").is_some_and(|app| app == "rook-ceph-osd")
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether a drain evicts it. It evicts no static pods, and pods of a DaemonSet only if they are finished.
    pub fn evicted(&self) -> bool {
        !self.mirror && (!self.daemon_set || self.finished)
    }

    /// Whether no controller would make it again.
    pub fn bare(&self) -> bool {
        self.owner.is_none() && !self.finished && !self.mirror
    }

    /// Whether the API server considers budgets for it.
    fn budgeted(&self) -> bool {
        !self.finished && self.phase != "Pending"
    }
}

#[cfg(test)]
mod tests;
