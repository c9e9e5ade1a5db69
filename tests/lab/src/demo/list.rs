//! `demo --list`: every scenario with how it ends.

use super::scenario::{ALL, Scenario, find};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::{Value, json};

fn all() -> anyhow::Result<Vec<Scenario>> {
    ALL.iter().map(|(name, _)| find(name)).collect()
}

/// Exit codes of what follows the run, in order: `podlift upgrade`, and what the operator types after a pause.
fn exits(s: &Scenario) -> Vec<i32> {
    let follows = |step: &&super::scenario::Step| {
        step.verb() == "upgrade"
            || (s.plans_only() && step.verb() == "plan")
            || step.podlift.iter().any(|w| w == "--follow")
    };
    s.typed().filter(|step| !step.second).filter(follows).map(|step| step.exit).collect()
}

pub fn text() -> anyhow::Result<String> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["scenario", "what happens", "exit codes", "how it ends"]);
    for s in all()? {
        let exits: Vec<String> = exits(&s).iter().map(ToString::to_string).collect();
        table.add_row([s.name, s.description, exits.join(", then "), s.ends]);
    }
    Ok(table.to_string())
}

pub fn json() -> anyhow::Result<Value> {
    let row = |s: Scenario| json!({"name": s.name, "description": s.description, "exits": exits(&s), "ends": s.ends});
    Ok(Value::Array(all()?.into_iter().map(row).collect()))
}
