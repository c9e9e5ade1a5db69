//! The end of a demo as a person reads it.

use super::judge::Verdict;
use super::operator::Story;
use super::scenario::Scenario;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

fn text_of(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), ToString::to_string)
}

pub fn text(scenario: &Scenario, story: &Story, verdict: &Verdict, seconds: f64) -> String {
    let r = &story.report;
    let mut out = format!(
        "\n{}: {} → {} {} in {seconds:.0} s\n",
        scenario.name,
        text_of(&r["from"]),
        text_of(&r["to"]),
        text_of(&r["result"])
    );
    out.push_str(&format!("{}\n", nodes(r)));
    for p in r["prevented"].as_array().into_iter().flatten() {
        out.push_str(&format!("prevented  {}\n", text_of(&p["what"])));
    }
    for h in r["heals"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "healed     {} {} ({}) within {} µs\n",
            text_of(&h["node"]),
            text_of(&h["file"]),
            text_of(&h["rule"]),
            h["latency_us"]
        ));
    }
    for paused in &story.paused {
        out.push_str(&format!(
            "paused     {}\n           next: {}\n",
            text_of(&paused["message"]),
            text_of(&paused["next"])
        ));
    }
    let outage = &r["api_outage"];
    out.push_str(&format!(
        "API        the proxy was away for {} s; each API server: {}\n",
        outage["vip_seconds"], outage["endpoints"]
    ));
    for f in &verdict.findings {
        out.push_str(&format!("{} {:<18} {}\n", if f.ok { "✓" } else { "✗" }, f.id, f.evidence));
    }
    out.push_str(if verdict.ok() {
        "\nAll findings are as expected.\n"
    } else {
        "\nSome findings are not as expected: see ✗ above.\n"
    });
    out
}

fn nodes(r: &Value) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["node", "role", "from", "to", "result", "away from work"]);
    for n in r["nodes"].as_array().into_iter().flatten() {
        let away = n["unavailable_seconds"].as_f64().unwrap_or(0.0);
        let cells = ["name", "role", "from", "to", "result"].map(|k| text_of(&n[k]));
        table.add_row(cells.into_iter().chain([format!("{away:.1} s")]));
    }
    table
}
