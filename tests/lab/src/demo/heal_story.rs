//! Scenarios in which nothing is upgraded and the heal is judged: by what the World saw written, by the agents' own history, and by where
//! each API server keeps its objects.

use super::director::Director;
use super::judge::{Finding, finding};
use super::operator::{self, Typed};
use super::scenario::Scenario;
use super::{Args, report};
use crate::supervisor::Lab;
use crate::world::{World, Writer};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const HISTORY: &str = "/var/lib/podlift/heal/history.jsonl";

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
    let findings = judge(&lab.world, scenario);
    if result.is_err() {
        anstream::eprintln!("{}\n{}", lab.log_tails(), lines(&findings));
    }
    lab.stop().await;
    let (typed, ok) = (result?, findings.iter().all(|f| f.ok));
    let document = json!({"lab": {"scenario": scenario.name, "seconds": started.elapsed().as_secs_f64(), "ok": ok,
        "typed": typed, "findings": findings}});
    if let Some(out) = &args.out {
        report::write(out, &document)?;
    }
    match args.json {
        true => anstream::println!("{document}"),
        false => anstream::println!("\n{}\n{}", scenario.ends, lines(&findings)),
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn play_through(
    lab: &Lab,
    scenario: &Scenario,
    director: &Director,
    args: &Args,
) -> anyhow::Result<Vec<Typed>> {
    lab.ready().await?;
    operator::steps(lab, scenario, director, args.size.to).await
}

fn lines(findings: &[Finding]) -> String {
    let line = |f: &Finding| format!("{} {}: {}", if f.ok { "ok    " } else { "FAILED" }, f.id, f.evidence);
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn judge(world: &World, scenario: &Scenario) -> Vec<Finding> {
    let wrong = world.wrong_stores();
    let heals = towards_old(world);
    let (by_agents, splits) = {
        let s = world.lock();
        (s.written.iter().filter(|w| w.by == Writer::Agent).count(), s.splits.len())
    };
    let wanted: Vec<&String> =
        scenario.expect.healed.iter().filter(|n| !healed_to_newest(world, n)).collect();
    vec![
        finding(
            "never-towards-the-old-etcd",
            wrong.is_empty(),
            format!("{by_agents} writes of agents seen; {wrong:?}"),
        ),
        finding(
            "history-agrees",
            heals.is_empty(),
            format!("heals whose diff adds an old endpoint: {heals:?}"),
        ),
        finding(
            "healed-to-the-new-etcd",
            wanted.is_empty(),
            format!("not so on {wanted:?}; people made {splits} splits"),
        ),
    ]
}

/// Nodes whose agent says itself that it put an endpoint of an etcd there that was left.
fn towards_old(world: &World) -> Vec<String> {
    let old: Vec<String> = {
        let s = world.lock();
        s.etcds().take(s.more_etcds.len()).flat_map(|e| e.endpoints()).collect()
    };
    let adds = |node: &&String| {
        let history = world.disk(node).text(HISTORY);
        // One JSON line a heal: the lines of its diff are behind escaped line ends.
        let mut added = history.split("\\n").filter(|l| l.starts_with('+'));
        added.any(|l| old.iter().any(|e| l.contains(e)))
    };
    world.shape.control_planes.iter().filter(adds).cloned().collect()
}

fn healed_to_newest(world: &World, node: &str) -> bool {
    let history = world.disk(node).read(Path::new(HISTORY)).is_ok_and(|h| !h.is_empty());
    let text = world.disk(node).text("/etc/kubernetes/manifests/kube-apiserver.yaml");
    history && text.contains(&format!("--etcd-servers={}", world.newest_etcd()))
}
