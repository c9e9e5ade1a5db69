//! The groups of the map: racks where the nodes have a label for them, else the category in BCM, else the role.

use podlift_engine::RunState;
use podlift_engine::inventory::NodeRole;
use podlift_engine::view::NodeRow;

/// Labels of a rack, where the site's policy names none.
const RACKS: [&str; 3] = ["topology.kubernetes.io/rack", "podlift.io/rack", "rack"];

/// `control-plane`, `rack r7`, `dgx-h100` or `worker`. Labels and categories are those of the run's plan.
pub(super) fn group(run: Option<&RunState>, row: &NodeRow) -> String {
    if row.role == NodeRole::ControlPlane {
        return row.role.to_string();
    }
    let plan = run.map(|run| &run.plan);
    let labels = plan.and_then(|plan| plan.inventory.get(&row.name)).map(|entry| &entry.view.labels);
    let policy = plan.and_then(|plan| plan.options.batches.as_ref()?.topology.as_ref());
    let keys = policy.map(|topology| topology.label.as_str()).into_iter().chain(RACKS);
    let rack = labels.and_then(|labels| keys.filter_map(|key| Some((key, labels.get(key)?))).next());
    if let Some((key, value)) = rack {
        return format!("{} {value}", key.rsplit('/').next().unwrap_or(key));
    }
    let category = plan.and_then(|plan| plan.bcm.as_ref()?.category(&row.name));
    category.map_or_else(|| row.role.to_string(), ToString::to_string)
}
