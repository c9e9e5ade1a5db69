//! What the operator of a scenario types, in order, and what came back.

use super::scenario::Scenario;
use crate::supervisor::Lab;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::time::Duration;

const TO: &str = "v1.32.9";
/// A demo that takes longer has gone wrong.
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub struct Story {
    pub plan: Value,
    /// The report when the run paused, where it should.
    pub paused: Option<Value>,
    /// Exit code of `podlift upgrade`.
    pub upgrade: i32,
    pub report: Value,
    /// The coordinator was killed at the end and started again: what the two told.
    pub before: Told,
    pub after: Told,
}

/// What a coordinator says of a run.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    pub run: Value,
    /// `podlift events`, line by line.
    pub events: Vec<String>,
}

pub async fn play(lab: &mut Lab, scenario: &Scenario) -> anyhow::Result<Story> {
    tokio::time::timeout(LIMIT, steps(lab, scenario))
        .await
        .context("the scenario did not end within five minutes")?
}

async fn steps(lab: &mut Lab, scenario: &Scenario) -> anyhow::Result<Story> {
    let mut story = Story::default();
    let waive = |args: &[&'static str]| {
        let mut all = args.to_vec();
        all.extend(scenario.waive.into_iter().flat_map(|w| ["--waive", w]));
        all
    };
    say("podlift plan --to v1.32.9");
    let plan = lab.podlift(&waive(&["plan", "--to", TO, "-o", "json"]), true).await?;
    if plan.code != 0 {
        bail!("podlift plan exited {}: {}", plan.code, plan.stdout);
    }
    story.plan = plan.json()?;
    say("podlift upgrade --to v1.32.9 --yes");
    let upgrade = lab.podlift(&waive(&["upgrade", "--to", TO, "--yes"]), true).await?;
    story.upgrade = upgrade.code;
    lab.check_alive()?;
    if let Some(then) = scenario.then {
        story.paused = Some(report(lab).await?);
        say(&format!("podlift {}", then.join(" ")));
        let done = lab.podlift(then, true).await?;
        if done.code != 0 {
            bail!("podlift {} exited {}: {}", then.join(" "), done.code, done.stdout);
        }
        lab.check_alive()?;
    }
    story.report = report(lab).await?;
    say("the coordinator is killed and started again; podlift status, podlift events");
    story.before = told(lab).await?;
    lab.kill("coordinator").await;
    lab.start_coordinator()?;
    lab.ready().await?;
    story.after = told(lab).await?;
    Ok(story)
}

async fn told(lab: &Lab) -> anyhow::Result<Told> {
    let status = lab.podlift(&["status", "-o", "json"], false).await?;
    let events = lab.podlift(&["events", "-o", "json"], false).await?;
    if (status.code, events.code) != (0, 0) {
        bail!("podlift status exited {}, podlift events {}", status.code, events.code);
    }
    Ok(Told { run: status.json()?["run"].clone(), events: events.stdout.lines().map(String::from).collect() })
}

async fn report(lab: &Lab) -> anyhow::Result<Value> {
    let called = lab.podlift(&["report", "-o", "json"], false).await?;
    called.json().with_context(|| format!("podlift report exited {}", called.code))
}

fn say(line: &str) {
    anstream::eprintln!("\n▶ {line}");
}
