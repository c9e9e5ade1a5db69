//! What the operator of a scenario does, in order, and what came back.

use super::director::Director;
use super::scenario::{Scenario, Step};
use crate::supervisor::clients::{At, Client, Figures};
use crate::supervisor::{COORDINATOR, Called, Lab};
use anyhow::{Context as _, bail};
use podlift_model::KubeVersion;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Time limit of a demo: this, and `LIMIT_EACH` for each node.
const LIMIT: Duration = Duration::from_secs(240);
const LIMIT_EACH: Duration = Duration::from_secs(3);
/// Time limit of a scenario in which nothing is upgraded.
const LIMIT_ALONE: Duration = Duration::from_secs(90);

/// Between two calls of a step with `again`.
const AGAIN: Duration = Duration::from_millis(300);

#[derive(Debug, Default)]
pub struct Story {
    pub typed: Vec<Typed>,
    /// Why the run was paused, where it was.
    pub paused: Vec<Value>,
    pub report: Value,
    /// What a client at the proxy saw while the operator's steps lasted.
    pub client: Option<Figures>,
    /// `podlift status` at the end.
    pub status: Value,
    /// Reports of the coordinator before and after it was killed and restarted at the end.
    pub before: JournalView,
    pub after: JournalView,
}

/// One call of `podlift` and its documented end.
#[derive(Debug, Clone, Serialize)]
pub struct Typed {
    pub line: String,
    pub exit: i32,
    #[serde(skip)]
    pub stdout: String,
}

/// A coordinator's view of its journal.
#[derive(Debug, Default, PartialEq)]
pub struct JournalView {
    pub run: Value,
    /// `podlift events`, line by line.
    pub events: Vec<String>,
}

pub async fn play(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    to: KubeVersion,
) -> anyhow::Result<Story> {
    let limit = LIMIT + LIMIT_EACH * u32::try_from(lab.world.shape.nodes().count())?;
    let story = async {
        tokio::select! {
            story = run_steps(lab, scenario, director, to) => match story {
                Ok(story) => end(lab, story).await,
                failed => failed,
            },
            failed = director.run(lab) => match failed {
                Err(error) => Err(error),
                Ok(()) => bail!("the director ended before the story"),
            },
        }
    };
    tokio::time::timeout(limit, story)
        .await
        .with_context(|| format!("the scenario did not end within {} s", limit.as_secs()))?
}

/// The steps alone, of a scenario in which nothing is upgraded.
pub(super) async fn steps(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    to: KubeVersion,
) -> anyhow::Result<Vec<Typed>> {
    let result = tokio::time::timeout(LIMIT_ALONE, run_steps(lab, scenario, director, to)).await;
    let late = || format!("the scenario did not end within {} s", LIMIT_ALONE.as_secs());
    result.with_context(late)?.map(|story| story.typed)
}

async fn run_steps(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    to: KubeVersion,
) -> anyhow::Result<Story> {
    let mut story = Story::default();
    let client = scenario.expect.proxy_unnoticed.then(|| Client::start(lab, At::Proxy)).transpose()?;
    for step in &scenario.steps {
        director.act(lab, &step.actions).await?;
        if let Some(when) = &step.until {
            director.until(lab, when).await?;
        }
        if !step.podlift.is_empty() {
            story.typed.push(type_it(lab, step, to).await?);
        }
        if let Some(code) = &step.paused {
            story.paused.push(paused(lab, step, code, to).await?);
        }
        lab.check_alive()?;
    }
    story.client = client.map(|c| c.figures());
    Ok(story)
}

/// Once; or, with `again`, until exit code and output are as expected. The time limit of the whole story ends that.
pub(super) async fn type_it(lab: &Lab, step: &Step, to: KubeVersion) -> anyhow::Result<Typed> {
    let line = format!("podlift {}", step.words(to).join(" "));
    say(&if step.second { format!("{line}   (on the second head node)") } else { line });
    loop {
        match type_once(lab, step, to).await {
            Err(_) if step.again => tokio::time::sleep(AGAIN).await,
            ended => return ended,
        }
        lab.check_alive()?;
    }
}

async fn type_once(lab: &Lab, step: &Step, to: KubeVersion) -> anyhow::Result<Typed> {
    let saved = lab.at("person");
    let words = step.words(to).into_iter().map(|w| w.replace("{saved}", &saved.display().to_string()));
    let words: Vec<String> = words.collect();
    let line = format!("podlift {}", words.join(" "));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let folder = if step.second { "second" } else { "head" };
    let Called { code, stdout, stderr } = lab.podlift_at(folder, &words, !step.again).await?;
    if code != step.exit {
        bail!("{line} exited {code}, expected {}\n{stdout}", step.exit);
    }
    let all = format!("{stdout}{stderr}");
    let newest = newest_etcd(lab);
    let said = |text: &String| text.replace("{to}", &to.to_string()).replace("{newest-etcd}", &newest);
    let wanted = |text: &String| all.contains(&said(text));
    match step.says.iter().find(|text| !wanted(text)) {
        Some(missing) => bail!("the output of {line} lacks {missing:?}:\n{all}"),
        None => {
            if let Some(name) = &step.save {
                lab.save(&format!("person/{name}"), &stdout)?;
            }
            Ok(Typed { line, exit: code, stdout })
        }
    }
}

/// Id of the etcd cluster that was made last.
fn newest_etcd(lab: &Lab) -> String {
    let s = lab.world.lock();
    s.more_etcds.last().unwrap_or(&s.etcd).hex()
}

async fn paused(lab: &Lab, step: &Step, code: &str, to: KubeVersion) -> anyhow::Result<Value> {
    let reason = report(lab).await?["paused"].clone();
    if reason["code"] != code {
        bail!("the run should be paused for {code:?}, and the reason is {reason}");
    }
    let text = reason.to_string();
    let lacks = |words: &&String| !text.contains(&words.replace("{to}", &to.to_string()));
    match step.reason.iter().find(lacks) {
        Some(missing) => bail!("the reason lacks {missing:?}: {reason}"),
        None => Ok(reason),
    }
}

async fn end(lab: &Lab, mut story: Story) -> anyhow::Result<Story> {
    story.report = report(lab).await?;
    say("the coordinator is killed and started again; podlift status, podlift events");
    (story.before, _) = journal_view(lab).await?;
    lab.processes.gone(COORDINATOR).await;
    lab.start_coordinator()?;
    lab.ready().await?;
    (story.after, story.status) = journal_view(lab).await?;
    Ok(story)
}

async fn journal_view(lab: &Lab) -> anyhow::Result<(JournalView, Value)> {
    let status = lab.podlift(&["status", "-o", "json"], false).await?;
    let events = lab.podlift(&["events", "--run", "all", "-o", "json"], false).await?;
    if (status.code, events.code) != (0, 0) {
        bail!("podlift status exited {}, podlift events {}", status.code, events.code);
    }
    let status = status.json()?;
    let events = events.stdout.lines().map(String::from).collect();
    Ok((JournalView { run: status["run"].clone(), events }, status))
}

async fn report(lab: &Lab) -> anyhow::Result<Value> {
    let called = lab.podlift(&["report", "-o", "json"], false).await?;
    called.json().with_context(|| format!("podlift report exited {}", called.code))
}

fn say(line: &str) {
    anstream::eprintln!("\n▶ {line}");
}
