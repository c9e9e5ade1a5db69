//! PodDisruptionBudgets of all namespaces, with the numbers that decide an eviction.

use super::super::api::Api;
use super::label_selector::{LabelSelector, selector};
use super::meta::{Condition, Meta};
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::BudgetView;
use podlift_model::Failure;
use serde::Deserialize;

const PATH: &str = "/apis/policy/v1/poddisruptionbudgets";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Budget {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    selector: Option<LabelSelector>,
    unhealthy_pod_eviction_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: i64,
    disruptions_allowed: i32,
    current_healthy: i32,
    desired_healthy: i32,
    expected_pods: i32,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
}

/// The controller can't find out how many pods the owners of the budget's pods want.
fn is_sync_failure(condition: &Condition) -> bool {
    condition.kind == "DisruptionAllowed" && condition.status != "True" && condition.reason == "SyncFailed"
}

pub(super) async fn read(api: &Api) -> Result<Vec<BudgetView>, Failure> {
    let mut budgets = Vec::new();
    api.each(PATH, &[], |budget: Budget| budgets.push(view(budget))).await?;
    Ok(budgets)
}

fn view(budget: Budget) -> BudgetView {
    let Budget { metadata, spec, status } = budget;
    BudgetView {
        sync_failed: status.conditions.into_iter().find(is_sync_failure).map(|c| c.message),
        observed: status.observed_generation >= metadata.generation,
        namespace: metadata.namespace,
        name: metadata.name,
        selector: selector(spec.selector),
        disruptions_allowed: status.disruptions_allowed,
        current_healthy: status.current_healthy,
        desired_healthy: status.desired_healthy,
        expected_pods: status.expected_pods,
        unhealthy_policy: spec.unhealthy_pod_eviction_policy.unwrap_or_else(|| "IfHealthyBudget".into()),
    }
}
