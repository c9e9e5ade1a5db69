//! Scenarios in which nothing is upgraded: the plan that `podlift plan -o json` prints is held against everything that is wrong. Each problem
//! must be found by its check's name with its evidence, and nothing else may be found.

use super::director::Director;
use super::operator::{self, Typed};
use super::scenario::{Expected, Scenario};
use super::{Args, report};
use crate::supervisor::Lab;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

pub async fn run(
    lab: Lab,
    scenario: &Scenario,
    director: &Director,
    args: &Args,
    started: Instant,
) -> anyhow::Result<ExitCode> {
    let result = play_through(&lab, scenario, director, args).await;
    if let Some(out) = &args.out {
        lab.keep_logs(&out.join("log"))?;
    }
    if result.is_err() {
        anstream::eprintln!("{}", lab.log_tails());
    }
    lab.stop().await;
    let (typed, plan) = result?;
    let verdict = judge(&wanted(scenario, &args.size.to.to_string()), &plan);
    let document = json!({"lab": {"scenario": scenario.name, "seconds": started.elapsed().as_secs_f64(), "ok": verdict.ok(),
        "typed": typed, "missing": verdict.missing, "unexpected": verdict.unexpected}, "plan": plan});
    if let Some(out) = &args.out {
        report::write(out, &document)?;
    }
    match args.json {
        true => anstream::println!("{document}"),
        false => anstream::println!("{}", verdict.text(scenario, &plan)),
    }
    Ok(if verdict.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play_through(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    args: &Args,
) -> anyhow::Result<(Vec<Typed>, Value)> {
    lab.ready().await?;
    let to = args.size.to;
    for problem in &scenario.problems {
        anstream::eprintln!("⚡ {}; no problem: {}", problem.what, problem.near);
        director.act(lab, &problem.later).await?;
    }
    let mut typed = vec![];
    for step in &scenario.steps {
        director.act(lab, &step.actions).await?;
        if let Some(when) = &step.until {
            director.until(lab, when).await?;
        }
        if !step.podlift.is_empty() {
            typed.push(operator::type_it(lab, step, to).await?);
        }
        lab.check_alive()?;
    }
    let plan =
        typed.iter().rev().find(|t| t.line.contains(" plan ")).context("the scenario makes no plan")?;
    let plan: Value = serde_json::from_str(&plan.stdout)
        .with_context(|| format!("{} printed no JSON: add -o json to the scenario's step", plan.line))?;
    if !plan["findings"].is_array() {
        bail!("a plan without findings: {plan}");
    }
    Ok((typed, plan))
}

fn wanted(scenario: &Scenario, to: &str) -> Vec<Expected> {
    let mut all: Vec<Expected> = scenario.problems.iter().flat_map(|p| p.finds.clone()).collect();
    all.iter_mut().flat_map(|e| &mut e.says).for_each(|words| *words = words.replace("{to}", to));
    all
}

#[derive(Debug, Default)]
struct Verdict {
    missing: Vec<String>,
    unexpected: Vec<String>,
    found: usize,
}

impl Verdict {
    fn ok(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }

    fn text(&self, scenario: &Scenario, plan: &Value) -> String {
        let mut out =
            format!("\n{}: {} problems, {} findings\n", scenario.name, scenario.problems.len(), self.found);
        for f in plan["findings"].as_array().into_iter().flatten() {
            out.push_str(&format!("{}\n", line(f)));
        }
        self.missing.iter().for_each(|m| out.push_str(&format!("✗ not found: {m}\n")));
        self.unexpected.iter().for_each(|m| out.push_str(&format!("✗ unexpected: {m}\n")));
        out.push_str(if self.ok() {
            "\nThe plan names every problem, and nothing else.\n"
        } else {
            "\nThe plan is not as expected: see ✗ above.\n"
        });
        out
    }
}

fn line(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or("-").to_string();
    format!("{} {} {}: {}", text("severity"), text("check"), text("node"), text("evidence"))
}

/// Each finding answers one expectation at most.
fn judge(wanted: &[Expected], plan: &Value) -> Verdict {
    let mut open: Vec<&Expected> = wanted.iter().collect();
    let mut verdict = Verdict::default();
    for finding in plan["findings"].as_array().into_iter().flatten() {
        match open.iter().position(|e| answers(finding, e)) {
            Some(i) => drop(open.remove(i)),
            None => verdict.unexpected.push(line(finding)),
        }
        verdict.found += 1;
    }
    verdict.missing = open
        .iter()
        .map(|e| format!("{} {} {}: {:?}", e.severity, e.check, e.on.as_deref().unwrap_or("-"), e.says))
        .collect();
    verdict
}

fn answers(finding: &Value, e: &Expected) -> bool {
    let evidence = finding["evidence"].as_str().unwrap_or_default();
    finding["check"] == e.check.as_str()
        && finding["severity"] == e.severity.as_str()
        && finding["node"].as_str() == e.on.as_deref()
        && e.says.iter().all(|words| evidence.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_answers_one_expectation() {
        let expected = |check: &str, on: Option<&str>| Expected {
            check: check.into(),
            severity: "blocker".into(),
            on: on.map(String::from),
            says: vec!["full".into()],
        };
        let (a, b) = (expected("disk", Some("dgx030")), expected("disk", Some("dgx031")));
        let finding = |check: &str, node: Value, evidence: &str| json!({"check": check, "severity": "blocker", "node": node, "evidence": evidence});
        let plan = json!({"findings": [finding("disk", json!("dgx030"), "it is full"), finding("disk", json!("dgx030"), "it is full"),
            finding("clock-skew", Value::Null, "full")]});
        let verdict = judge(&[a, b], &plan);
        assert_eq!(verdict.missing, ["blocker disk dgx031: [\"full\"]"]);
        assert_eq!(verdict.unexpected, ["blocker disk dgx030: it is full", "blocker clock-skew -: full"]);
        assert!(!verdict.ok() && judge(&[], &json!({"findings": []})).ok());
    }
}
