//! report.json: the run's own report with what the lab found beside it.

use super::judge::Verdict;
use super::operator::Story;
use super::scenario::Scenario;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::path::Path;

pub fn enrich(scenario: &Scenario, story: &Story, verdict: &Verdict, seconds: f64) -> Value {
    let mut all = story.report.clone();
    if !all.is_object() {
        all = json!({});
    }
    if !verdict.ok() && all["result"] == "succeeded" {
        all["result"] = json!("judged-failed");
    }
    all["lab"] = json!({"scenario": scenario.name, "seconds": seconds, "ok": verdict.ok(), "findings": verdict.findings,
        "audit": verdict.audit, "typed": story.typed, "paused_at": story.paused, "client": story.client});
    all
}

pub fn write(out: &Path, document: &Value) -> anyhow::Result<()> {
    let path = out.join("report.json");
    let text = serde_json::to_string_pretty(document)?;
    podlift_common::durable::write(&path, text.as_bytes(), 0o644).with_context(|| path.display().to_string())
}
