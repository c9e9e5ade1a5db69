//! The alert rules and the dashboard: sound by Prometheus' own checker, tested on series, and about metrics that exist.

use podlift_tests::metric_names::{Row, asked, is_known, table};
use podlift_tests::promtool::promtool;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const RULES: &str = include_str!("../../../deploy/alerts/podlift.rules.yml");
const RULE_TESTS: &str = include_str!("../../../deploy/alerts/podlift.rules.test.yml");
const DASHBOARD: &str = include_str!("../../../deploy/dashboards/podlift.json");

fn known() -> BTreeMap<String, Row> {
    table(include_str!("../../../docs/metrics.md"))
}

fn alerts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/alerts")
}

/// The value of each line `key: value`.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let line = |l: &'a str| l.trim_start().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ");
    text.lines().filter_map(line).collect()
}

#[test]
fn rules_are_sound_and_do_what_they_say() {
    promtool(&["check", "rules", "podlift.rules.yml"], "", &alerts());
    promtool(&["test", "rules", "podlift.rules.test.yml"], "", &alerts());
}

#[test]
fn a_rule_that_does_something_else_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let put = |file: &str, text: &str| {
        podlift_common::durable::write(&dir.path().join(file), text.as_bytes(), 0o600).unwrap()
    };
    put("podlift.rules.yml", &RULES.replacen("for: 5m", "for: 1m", 1));
    put("podlift.rules.test.yml", RULE_TESTS);
    let dull =
        std::panic::catch_unwind(|| promtool(&["test", "rules", "podlift.rules.test.yml"], "", dir.path()));
    assert!(dull.is_err(), "the rules' tests do not notice a pause that is reported too early");
}

#[test]
fn every_alert_is_tested_and_says_what_to_do() {
    let names = values(RULES, "alert");
    assert!(names.len() > 15);
    let untested: Vec<_> = names.iter().filter(|n| !RULE_TESTS.contains(**n)).collect();
    assert!(untested.is_empty(), "no test in podlift.rules.test.yml: {untested:?}");
    for key in ["expr", "summary", "description", "runbook", "labels"] {
        assert_eq!(values(RULES, key).len(), names.len(), "one {key} for each alert");
    }
    let severities: BTreeSet<_> = values(RULES, "labels").into_iter().collect();
    let allowed = ["{severity: info}", "{severity: page}", "{severity: warning}"];
    assert!(severities.iter().all(|s| allowed.contains(s)), "{severities:?}");
}

#[test]
fn rules_ask_for_metrics_that_exist() {
    let known = known();
    let asked: BTreeSet<String> = values(RULES, "expr").into_iter().flat_map(asked).collect();
    let unknown: Vec<_> = asked.iter().filter(|n| !is_known(n, &known)).collect();
    assert!(!asked.is_empty() && unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
    // A series that no endpoint serves would prove nothing.
    let tested: BTreeSet<String> =
        RULE_TESTS.lines().filter(|l| l.contains("series:")).flat_map(self::asked).collect();
    let unknown: Vec<_> = tested.iter().filter(|n| !is_known(n, &known)).collect();
    assert!(!tested.is_empty() && unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
}

/// Panels, those within rows too.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let top = dashboard["panels"].as_array().unwrap().iter();
    top.flat_map(|p| std::iter::once(p).chain(p["panels"].as_array().into_iter().flatten())).collect()
}

fn overlaps(a: &Value, b: &Value) -> bool {
    let n = |p: &Value, k: &str| p["gridPos"][k].as_u64().unwrap();
    let apart = |from: &str, size: &str| {
        n(a, from) + n(a, size) <= n(b, from) || n(b, from) + n(b, size) <= n(a, from)
    };
    !apart("x", "w") && !apart("y", "h")
}

#[test]
fn the_dashboard_is_whole_and_asks_for_metrics_that_exist() {
    let (dashboard, known): (Value, _) = (serde_json::from_str(DASHBOARD).unwrap(), known());
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39);
    let variable = &dashboard["templating"]["list"][0];
    assert_eq!(
        (variable["name"].as_str(), variable["type"].as_str()),
        (Some("datasource"), Some("datasource"))
    );
    let panels = panels(&dashboard);
    let ids: BTreeSet<_> = panels.iter().map(|p| p["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "panel ids are there twice");
    for (i, panel) in panels.iter().enumerate() {
        let title = panel["title"].as_str().unwrap();
        assert!(
            panel["gridPos"]["x"].as_u64().unwrap() + panel["gridPos"]["w"].as_u64().unwrap() <= 24,
            "{title}"
        );
        let over: Vec<_> = panels[..i].iter().filter(|p| overlaps(p, panel)).map(|p| &p["title"]).collect();
        assert!(over.is_empty(), "{title} lies over {over:?}");
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|d| d.len() > 10), "{title} has no description");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
    }
    let expressions: Vec<&str> = panels
        .iter()
        .flat_map(|p| p["targets"].as_array().into_iter().flatten())
        .map(|t| t["expr"].as_str().unwrap())
        .collect();
    let asked: BTreeSet<String> = expressions.iter().flat_map(|e| asked(e)).collect();
    let unknown: Vec<_> = asked.iter().filter(|n| !is_known(n, &known)).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
    // promtool reads each expression too: as rules of a scratch file.
    let rules: String = expressions
        .iter()
        .enumerate()
        .map(|(i, e)| format!("      - record: dashboard:{i}\n        expr: {e:?}\n"))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let text = format!("groups:\n  - name: dashboard\n    rules:\n{rules}");
    podlift_common::durable::write(&dir.path().join("dashboard.yml"), text.as_bytes(), 0o600).unwrap();
    promtool(&["check", "rules", "dashboard.yml"], "", dir.path());
}
