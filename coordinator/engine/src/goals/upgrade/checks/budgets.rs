//! Budgets that would block the drain of a node, counted over all its pods (`upgrade/budget`).

use super::View;
use crate::goals::upgrade::{blast, budget};
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "budgets";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    let (Ok(pods), Ok(budgets)) = (&seen.pods, &seen.budgets) else { return vec![] };
    let (mut out, budgets) = (Vec::new(), budget::Budgets::new(budgets));
    for (node, pods) in blast::by_node(pods).into_iter().filter(|(n, _)| view.chosen(n)) {
        for obstacle in budget::obstacles(&pods, &budgets) {
            let severity = if obstacle.forever { Severity::Blocker } else { Severity::Warning };
            let end = if obstacle.forever { "the drain would never end" } else { "the drain waits for it" };
            let namespace = obstacle.pod.split('/').next().unwrap_or_default();
            let next = format!("kubectl -n {namespace} get pdb -o wide");
            out.push(finding(ID, severity, Some(node), format!("{}: {end}", obstacle.what), &next));
        }
    }
    out
}
