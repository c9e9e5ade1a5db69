//! Pods: `printPod` of the real server.

use super::{AGE, NAME, Now, Printer, name, text, text_or, wide};
use serde_json::{Value, json};

pub const PODS: Printer = Printer {
    columns: &[
        NAME,
        text("Ready"),
        text("Status"),
        text("Restarts"),
        AGE,
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ],
    cells: |v, now| {
        let statuses: Vec<&Value> =
            v["status"]["containerStatuses"].as_array().into_iter().flatten().collect();
        let total = v["spec"]["containers"].as_array().map_or(0, Vec::len);
        let ready =
            statuses.iter().filter(|c| c["ready"] == true && !c["state"]["running"].is_null()).count();
        let ip = text_or(&v["status"]["podIP"], "<none>");
        vec![
            name(v),
            json!(format!("{ready}/{total}")),
            json!(state(v, &statuses)),
            json!(restarts(&statuses, now)),
            now.age(v),
            json!(ip),
            json!(text_or(&v["spec"]["nodeName"], "<none>")),
            json!(text_or(&v["status"]["nominatedNodeName"], "<none>")),
            json!(gates(v)),
        ]
    },
};

fn state(v: &Value, statuses: &[&Value]) -> String {
    if !v["metadata"]["deletionTimestamp"].is_null() {
        return if v["status"]["reason"] == "NodeLost" { "Unknown".into() } else { "Terminating".into() };
    }
    let mut word = text_or(&v["status"]["reason"], &text_or(&v["status"]["phase"], ""));
    let mut running = false;
    for c in statuses.iter().rev() {
        let (waiting, ended) = (&c["state"]["waiting"]["reason"], &c["state"]["terminated"]);
        match (waiting.as_str().filter(|r| !r.is_empty()), ended["reason"].as_str().filter(|r| !r.is_empty()))
        {
            (Some(reason), _) | (None, Some(reason)) => word = reason.into(),
            _ if ended["signal"].as_i64().is_some_and(|s| s != 0) => {
                word = format!("Signal:{}", ended["signal"])
            }
            _ if !ended.is_null() => word = format!("ExitCode:{}", ended["exitCode"].as_i64().unwrap_or(0)),
            _ => running |= c["ready"] == true && !c["state"]["running"].is_null(),
        }
    }
    if word == "Completed" && running {
        let mut all = v["status"]["conditions"].as_array().into_iter().flatten();
        let ready = all.any(|c| c["type"] == "Ready" && c["status"] == "True");
        word = if ready { "Running".into() } else { "NotReady".into() };
    }
    word
}

/// `3 (5m ago)`.
fn restarts(statuses: &[&Value], now: Now) -> String {
    let count: i64 = statuses.iter().filter_map(|c| c["restartCount"].as_i64()).sum();
    let last = statuses.iter().filter_map(|c| c["lastState"]["terminated"]["finishedAt"].as_str()).max();
    match last {
        Some(at) if count > 0 => format!("{count} ({} ago)", now.since(&json!(at))),
        _ => count.to_string(),
    }
}

fn gates(v: &Value) -> String {
    let Some(gates) = v["spec"]["readinessGates"].as_array().filter(|g| !g.is_empty()) else {
        return "<none>".into();
    };
    let holds = |gate: &&Value| {
        let mut all = v["status"]["conditions"].as_array().into_iter().flatten();
        all.any(|c| c["type"] == gate["conditionType"] && c["status"] == "True")
    };
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
}
