//! Every scenario as a person runs it: processes, TLS, real files. Each exits 0 only if every node is as it should be, the World's audit is
//! clean, every exit code is the documented one, every event happened, and what the scenario is about was seen.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test spawns and reads files

use serde_json::Value;
use std::process::{Command, Output};

const EXE: &str = env!("CARGO_BIN_EXE_podlift-lab");

fn lab(args: &[&str]) -> Output {
    Command::new(EXE).arg("demo").args(args).output().unwrap()
}

fn demo(args: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let output = lab(&[args, &["--out", out, "--json"]].concat());
    assert!(output.status.success(), "{}", what_failed(args, &output));
    let report: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, report, "stdout is the report");
    has_its_form(&report);
    // A run after another one only looks at most of its nodes.
    let nodes = report["nodes"].as_array().unwrap();
    let looks = report["goal"] == "repair" || nodes.iter().any(|n| n["result"] == "at-target");
    let least = if looks { 10 } else { 100 };
    assert!(report["journal_events"].as_u64().unwrap() > least || nodes.len() < 4, "{report}");
    report
}

/// Lines of the narration that a failure shows: a log of the tests is cut at its end.
const NARRATED: usize = 40;

/// The findings that are not as expected and the exit codes first, then the end of the narration.
fn what_failed(args: &[&str], output: &Output) -> String {
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let findings = judged["lab"]["findings"].as_array().into_iter().flatten();
    let failed = findings.filter(|f| f["ok"] != true).map(|f| format!("✗ {} {}\n", f["id"], f["evidence"]));
    let typed = judged["lab"]["typed"].as_array().into_iter().flatten();
    let typed = typed.map(|t| format!("{} exited {}\n", t["line"], t["exit"]));
    let narration = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = narration.lines().collect();
    let end = lines[lines.len().saturating_sub(NARRATED)..].join("\n");
    let all: String = failed.chain(typed).collect();
    format!("{args:?} exited {:?}\n{all}{end}", output.status.code())
}

/// The run's report, as docs/schemas promises it; the lab adds one key of its own.
fn has_its_form(report: &Value) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/podlift.report.v1.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let faults: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(report)
        .map(|e| format!("{e} at {}", e.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// All nodes of the report are at the target, but for those that were left out.
fn at_target(report: &Value, to: &str, out: &[&str]) {
    assert_eq!(report["result"], "succeeded");
    for node in report["nodes"].as_array().unwrap() {
        let left_out = out.iter().any(|n| node["name"] == *n);
        let wanted = if left_out { "deferred" } else { "upgraded" };
        assert_eq!(node["result"], wanted, "{node}");
        assert!(left_out || node["to"] == to, "{node}");
        // A node that the plan leaves out takes part in no phase.
        assert!(left_out || !node["phases"].as_array().unwrap().is_empty(), "{node}");
    }
}

fn scenario(name: &str, out: &[&str]) -> Value {
    let report = demo(&["--scenario", name]);
    assert_eq!(report["lab"]["scenario"], name);
    assert_eq!(report["nodes"].as_array().unwrap().len(), 7);
    at_target(&report, "v1.32.9", out);
    report
}

/// A test for each scenario, and the list of them; after the arrow what a scenario shows beyond what the lab itself judges.
macro_rules! scenarios {
    ($($test:ident: $name:literal, without $out:expr, $check:expr;)*) => {
        const TESTED: &[&str] = &[$($name),*];
        $(#[test]
        fn $test() {
            let report = scenario($name, &$out);
            let check: fn(&Value) = $check;
            check(&report);
        })*
    };
}

scenarios! {
    bad_night: "bad-night", without [], prevented_without_a_heal;
    heal_only: "heal-only", without [], waived;
    unprotected: "unprotected", without [], |r| assert!(r["lab"]["paused_at"][0]["detail"].as_str().unwrap().contains("--etcd-servers"));
    rewrite: "rewrite", without [], |r| assert_eq!(r["prevented"].as_array().unwrap().len(), 0);
    coordinator_crash: "coordinator-crash", without [], prevented_without_a_heal;
    agent_crash: "agent-crash", without [], prevented_without_a_heal;
    reboot_mid_kubeadm: "reboot-mid-kubeadm", without [], |r| assert!(r["indeterminate"][0].as_str().unwrap().contains("runai-02"));
    drain_blocked: "drain-blocked", without [], |r| assert_eq!(r["lab"]["paused_at"][0]["code"], "drain-blocked");
    config_reverted: "config-reverted", without [], |r| assert_eq!(r["lab"]["paused_at"][0]["code"], "flag-loss");
    retry_after_heal: "retry-after-heal", without [], |r| assert_eq!(r["lab"]["paused_at"].as_array().unwrap().len(), 2);
    amnesia: "amnesia", without [], |r| assert!(r["indeterminate"][0].as_str().unwrap().contains("dgx031"));
    two_coordinators: "two-coordinators", without [], prevented_without_a_heal;
    api_down_for_minutes: "api-down-for-minutes", without [], |r| assert!(r["api_outage"]["vip_seconds"].as_f64().unwrap() > 5.0);
    foreign_cordon: "foreign-cordon", without [], prevented_without_a_heal;
    node_lost: "node-lost", without ["dgx032"], |r| assert!(r["indeterminate"][0].as_str().unwrap().contains("dgx032"));
    apt_trouble: "apt-trouble", without [], prevented_without_a_heal;
    plan_contract: "plan-contract", without [], prevented_without_a_heal;
    unknown_after_heal: "unknown-after-heal", without [], |r| assert!(r["indeterminate"][0].as_str().unwrap().contains("runai-02"));
    scheduler_down: "scheduler-down", without [], |r| assert!(r["lab"]["paused_at"][0]["detail"].as_str().unwrap().contains("scheduler.conf"));
    air_gapped: "air-gapped", without [], |r| assert_eq!(r["lab"]["paused_at"].as_array().unwrap().len(), 1);
    source_put_back: "source-put-back", without [], prevented_without_a_heal;
    slurm_holds_gpu: "slurm-holds-gpu", without [], |r| assert_eq!(r["lab"]["paused_at"][0]["code"], "devices-held");
    image_path: "image-path", without [], prevented_without_a_heal;
    vip_unnoticed: "vip-unnoticed", without [], prevented_without_a_heal;
    refused: "refused", without [], |r| assert_eq!(r["lab"]["paused_at"].as_array().unwrap().len(), 2);
}

/// Nothing is upgraded and no etcd that was left is ever written to again: the heal is judged.
#[test]
fn moved_etcd() {
    let output = lab(&["--scenario", "moved-etcd", "--workers", "0", "--json"]);
    assert!(output.status.success(), "{}", what_failed(&["moved-etcd"], &output));
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = judged["lab"]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{judged}");
    assert!(findings.iter().all(|f| f["ok"] == true), "{judged}");
}

/// A run that upgrades nothing: it repairs the ConfigMaps that the upgrade before it had left whole.
#[test]
fn repair() {
    let report = demo(&["--scenario", "repair"]);
    assert_eq!(report["result"], "succeeded");
}

/// The second run upgrades what the first one left, and reports the rest as it is.
fn two_runs(name: &str) {
    let report = demo(&["--scenario", name]);
    assert_eq!(report["result"], "succeeded");
    assert_eq!(report["nodes"].as_array().unwrap().len(), 7);
}

#[test]
fn second_run() {
    two_runs("second-run");
}

#[test]
fn budget_of_failures() {
    two_runs("budget-of-failures");
}

#[test]
fn abort_half_upgraded() {
    two_runs("abort-half-upgraded");
}

/// Ten of 200 workers are left out, and no node was named on the command line.
#[test]
fn always_some_down() {
    let report = demo(&["--scenario", "always-some-down"]);
    let out =
        ["dgx030", "dgx041", "dgx052", "dgx064", "dgx077", "dgx113", "dgx140", "dgx188", "dgx201", "dgx229"];
    at_target(&report, "v1.32.9", &out);
    assert_eq!(report["nodes"].as_array().unwrap().len(), 203);
}

/// Four of twelve workers have a job that is interrupted once.
#[test]
fn gang() {
    let report = demo(&["--scenario", "gang"]);
    at_target(&report, "v1.32.9", &[]);
    assert_eq!(report["nodes"].as_array().unwrap().len(), 15);
}

#[test]
fn control_plane_lost() {
    let report = demo(&["--scenario", "control-plane-lost"]);
    assert_eq!(report["result"], "succeeded");
    let lost = report["nodes"].as_array().unwrap().iter().find(|n| n["name"] == "runai-03");
    assert!(lost.is_none_or(|n| n["result"] == "lost"), "{lost:?}");
}

/// Scenarios with a test of their own.
const OTHERS: &[&str] = &[
    "moved-etcd",
    "repair",
    "second-run",
    "budget-of-failures",
    "abort-half-upgraded",
    "always-some-down",
    "control-plane-lost",
    "gang",
];

/// Scenarios in which nothing is upgraded: the plan is judged.
const PREFLIGHT: &[&str] = &["preflight-healthy", "preflight-zoo"];

/// What the lab judged, and the plan.
fn preflight(name: &str) -> Value {
    let output = lab(&["--scenario", name, "--json"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let narration = String::from_utf8_lossy(&output.stderr).into_owned();
    let judged: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}\n{narration}"));
    let verdict =
        format!("missing {:#}\nunexpected {:#}", judged["lab"]["missing"], judged["lab"]["unexpected"]);
    assert!(output.status.success(), "{verdict}");
    assert_eq!(judged["lab"]["scenario"], name);
    judged
}

#[test]
fn preflight_healthy() {
    assert_eq!(preflight("preflight-healthy")["plan"]["findings"].as_array().unwrap().len(), 0);
}

/// Each with its evidence and a next command, but for notes.
#[test]
fn preflight_zoo() {
    let judged = preflight("preflight-zoo");
    let findings = judged["plan"]["findings"].as_array().unwrap();
    let checks: std::collections::BTreeSet<&str> =
        findings.iter().map(|f| f["check"].as_str().unwrap()).collect();
    assert!(checks.len() >= 25, "{checks:?}");
    for f in findings {
        assert!(f["evidence"].as_str().unwrap().len() > 10, "{f}");
        assert!(f["severity"] == "note" || !f["next"].as_str().unwrap().is_empty(), "{f}");
    }
}

fn prevented_without_a_heal(report: &Value) {
    assert_eq!(report["prevented"].as_array().unwrap().len(), 2);
    assert_eq!(report["heals"].as_array().unwrap().len(), 0);
    assert_eq!(report["api_outage"]["vip_seconds"].as_f64(), Some(0.0));
}

fn waived(report: &Value) {
    assert_eq!(report["waivers"].as_array().unwrap().len(), 1);
    assert!(report["heals"].as_array().unwrap().iter().all(|h| !h["diff"].as_str().unwrap().is_empty()));
}

#[test]
fn every_scenario_is_tested_and_listed() {
    let output = lab(&["--list", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut names: Vec<&str> = listed.iter().map(|s| s["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut tested = [TESTED, PREFLIGHT, OTHERS].concat();
    tested.sort_unstable();
    assert_eq!(names, tested);
    let table = String::from_utf8(lab(&["--list"]).stdout).unwrap();
    assert!(names.iter().all(|name| table.contains(name)), "{table}");
}

/// (arguments, target, nodes)
fn sized(args: &[&str], to: &str, nodes: usize) {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sized.toml");
    let report = demo(&[&["--scenario", scenario], args].concat());
    at_target(&report, to, &[]);
    assert_eq!(report["nodes"].as_array().unwrap().len(), nodes);
}

#[test]
fn newest_patches_on_one_control_plane_without_workers() {
    let from_to = ["--from", "v1.31.14", "--to", "v1.32.13"];
    sized(&[&from_to[..], &["--control-planes", "1", "--workers", "0"]].concat(), "v1.32.13", 1);
}

#[test]
fn the_next_minor_on_three_control_planes() {
    sized(&["--from", "v1.32.9", "--to", "v1.33.1", "--workers", "1"], "v1.33.1", 4);
}

#[test]
fn five_control_planes() {
    sized(&["--control-planes", "5", "--workers", "1"], "v1.32.9", 6);
}

#[test]
fn what_the_lab_cannot_show_is_refused() {
    let cases: &[(&[&str], &str)] = &[
        (&["--scenario", "nonsense"], "bad-night"),
        (&["--scenario", "/nonexistent/mine.toml"], "/nonexistent/mine.toml"),
        (&["--scenario", "node-lost", "--workers", "1"], "dgx032"),
        (&["--control-planes", "2"], "expected 1, 3 or 5"),
        (&["--control-planes", "0"], "expected 1, 3 or 5"),
        (&["--workers", "5000"], "expected 0 to"),
        (&["--to", "v1.33.1"], "one minor"),
        (&["--to", "v1.32.99"], "v1.32.99"),
        (&["--to", "soon"], "soon"),
    ];
    for (args, want) in cases {
        let output = lab(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(want), "{args:?}: {said}");
    }
}

#[test]
fn a_scenario_file_with_an_unknown_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, "description = \"x\"\nends = \"y\"\nweather = \"rain\"\n[expect]\n").unwrap();
    let output = lab(&["--scenario", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for word in ["mine.toml", "weather", "expected", "description"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}
