//! The three scenarios as a person runs them: processes, TLS, real files. Each exits 0 only if every node is at the target, the World's
//! audit is clean, and what the scenario is about happened.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test spawns and reads files

use serde_json::Value;
use std::process::Command;

const EXE: &str = env!("CARGO_BIN_EXE_podlift-lab");

fn demo(scenario: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let output =
        Command::new(EXE).args(["demo", "--scenario", scenario, "--out", out, "--json"]).output().unwrap();
    let narration = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{scenario} exited {:?}\n{narration}\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout)
    );
    let report: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, report, "stdout is the report");
    report
}

fn at_target(report: &Value) {
    assert_eq!(report["result"], "succeeded");
    let nodes = report["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 7);
    for node in nodes {
        assert_eq!((&node["to"], &node["result"]), (&"v1.32.9".into(), &"upgraded".into()), "{node}");
        assert!(!node["phases"].as_array().unwrap().is_empty(), "{node}");
    }
    assert!(report["journal_events"].as_u64().unwrap() > 100);
    assert!(
        report["checks"].as_array().unwrap().iter().all(|c| c["result"] == "passed"),
        "{}",
        report["checks"]
    );
}

#[test]
fn bad_night() {
    let report = demo("bad-night");
    at_target(&report);
    assert_eq!(report["prevented"].as_array().unwrap().len(), 2);
    assert_eq!(report["heals"].as_array().unwrap().len(), 0);
    assert_eq!(report["api_outage"]["vip_seconds"].as_f64(), Some(0.0));
}

#[test]
fn heal_only() {
    let report = demo("heal-only");
    at_target(&report);
    for node in ["runai-01", "runai-02", "runai-03"] {
        let heals = report["heals"].as_array().unwrap();
        assert!(
            heals.iter().any(|h| h["node"] == node && !h["diff"].as_str().unwrap().is_empty()),
            "no heal on {node}: {heals:?}"
        );
    }
    assert_eq!(report["waivers"].as_array().unwrap().len(), 1);
    assert_eq!(report["api_outage"]["vip_seconds"].as_f64(), Some(0.0));
}

#[test]
fn unprotected() {
    let report = demo("unprotected");
    at_target(&report);
    let endpoints = report["api_outage"]["endpoints"].as_object().unwrap();
    assert!(endpoints.values().any(|s| s.as_f64().unwrap() > 0.0), "no outage: {endpoints:?}");
}

#[test]
fn an_unknown_scenario_is_named() {
    let output = Command::new(EXE).args(["demo", "--scenario", "nonsense"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("nonsense") && said.contains("bad-night"), "{said}");
}
