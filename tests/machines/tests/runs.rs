//! The demo's run on real machines, in two nights with four faults each. Each fault proves that it hit; each run ends complete, with
//! nothing done twice by what dpkg and journald say.

use anyhow::{Context as _, ensure};
use futures_util::FutureExt as _;
use podlift_machines::etcd::{FIRST, SECOND};
use podlift_machines::fleet::{Fleet, TO, Wanted};
use podlift_machines::moved_etcd::{Move, Watched};
use podlift_machines::shell::Ended;
use podlift_machines::vip::{self, Probes};
use podlift_machines::{apart, bcm, faults, judge, night, up, watch};
use serde_json::Value;
use std::time::Instant;

fn run(story: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    podlift_common::tls::install_provider();
    apart::run(story).unwrap_or_else(|error| panic!("{error:#}"));
}

/// A call of podlift ended with 0. Otherwise the error has its last lines, and what the machines say.
async fn went_well(fleet: &Fleet, ended: &Ended) -> anyhow::Result<()> {
    ensure!(
        ended.code == 0,
        "podlift exited {}\n{}{}\n{}",
        ended.code,
        night::tail(&ended.stdout),
        night::tail(&ended.stderr),
        fleet.words().await
    );
    Ok(())
}

async fn judged(fleet: Fleet) -> anyhow::Result<()> {
    let complaints = judge::complaints(&fleet).await?;
    let words = if complaints.is_empty() { String::new() } else { fleet.words().await };
    fleet.stop().await;
    ensure!(complaints.is_empty(), "not as it should be:\n{}\n{words}", complaints.join("\n"));
    Ok(())
}

/// Agent killed while dpkg unpacks, coordinator killed, dpkg's lock held, conffile edited, clock an hour off.
#[test]
fn a_night_of_killed_processes_and_strangers() {
    let base = up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    run(async move {
        let fleet = Fleet::prepare(base, &std::env::current_exe()?, &Wanted::default()).await?;
        faults::conffile_edited(&fleet, "cp3")?;
        faults::clock_off(&fleet, "w2")?;
        let upgrade = faults::AgentUpgraded::arm(&fleet, "cp3").await?;
        fleet.boot().await?;
        let plan = fleet.document(&["plan", "--to", TO]).await?;
        faults::seen_by_preflight(&plan, "w2")?;
        let lock = ("kubelets/cp1/cordon", "canary/w1/install-kubeadm");
        let bad = vec![
            faults::coordinator_killed(&fleet, "control-plane/cp1/kubeadm-apply").boxed(),
            faults::agent_killed(&fleet, "cp2").boxed(),
            faults::lock_held(&fleet, "w1", lock.0, lock.1).boxed(),
            upgrade.during(&fleet, "control-plane/cp3/kubeadm-node").boxed(),
        ];
        let (ended, _) = night::under(&fleet, &["upgrade", "--to", TO, "--yes"], bad).await?;
        went_well(&fleet, &ended).await?;
        faults::conffile_kept(&fleet, "cp3")?;
        once(&fleet, "kubelets/cp2/install-kubelet-kubectl").await?;
        once(&fleet, "control-plane/cp3/kubeadm-node").await?;
        judged(fleet).await
    });
}

/// Disk full, power cut between kubeadm's two renames, a minute without a network.
#[test]
fn a_night_of_broken_machines() {
    let base = up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    run(async move {
        let disk = faults::DiskFull { node: "w2" };
        let wanted = Wanted { extra: vec![disk.disk()], ..Wanted::default() };
        let fleet = Fleet::prepare(base, &std::env::current_exe()?, &wanted).await?;
        fleet.boot().await?;
        let plan = fleet.podlift(&["plan", "--to", TO]).await?;
        ensure!(plan.code == 0, "podlift plan exited {}: {}{}", plan.code, plan.stdout, plan.stderr);
        disk.fill(&fleet).await?;
        let (ended, _) = night::under(&fleet, &["upgrade", "--to", TO, "--yes"], vec![]).await?;
        ensure!(
            ended.code == 4,
            "podlift upgrade exited {}\n{}{}",
            ended.code,
            night::tail(&ended.stdout),
            night::tail(&ended.stderr)
        );
        let paused = fleet.document(&["report"]).await?["paused"].clone();
        ensure!(
            paused["code"] == "disk-full" && paused["message"].to_string().contains("w2"),
            "paused for {paused}"
        );
        disk.free(&fleet).await?;

        let power = faults::PowerCut::arm(&fleet, "cp2");
        let bad = vec![
            power.happened(&fleet).boxed(),
            faults::network_cut(&fleet, "w1", "canary/w1/install-kubelet-kubectl").boxed(),
        ];
        let (ended, _) = night::under(&fleet, &["retry", "--follow"], bad).await?;
        went_well(&fleet, &ended).await?;
        let unknown = watch::events(&fleet, |e| {
            e["event"] == "op-ended"
                && e["step"] == "control-plane/cp2/kubeadm-node"
                && e["outcome"]["result"] == "indeterminate"
        });
        ensure!(unknown.await?.len() == 1, "the op that the power cut ended is not known to be unknown");
        once(&fleet, "canary/w1/install-kubelet-kubectl").await?;
        judged(fleet).await
    });
}

/// Behind real proxies, nginx (stream) and haproxy, no read fails through a whole run: each API server steps aside before both restarts.
/// BCM writes cp3 and w2 from images, with real rsync, from clones in which a real dpkg has worked.
#[test]
fn nobody_behind_real_proxies_notices_a_run() {
    let base = up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    run(async move {
        let wanted = Wanted { imaged: vec!["cp3", "w2"], ..Wanted::default() };
        let fleet = Fleet::prepare(base, &std::env::current_exe()?, &wanted).await?;
        vip::install(&fleet)?;
        fleet.boot().await?;
        let probes = Probes::begin(&fleet).await?;
        let began = Instant::now();
        let (ended, _) = night::under(&fleet, &["upgrade", "--to", TO, "--yes"], vec![]).await?;
        let (run, counts) = (began.elapsed(), probes.end().await?);
        let told: Vec<String> = counts.iter().map(ToString::to_string).collect();
        anstream::eprintln!("machines: {}", told.join("\nmachines: "));
        went_well(&fleet, &ended).await?;
        let nodes = ["cp1", "cp2", "cp3"];
        let away = vip::away(&watch::events(&fleet, |_| true).await?, &nodes)?;
        anstream::println!("{}", vip::figures(&counts, &away, run));
        for node in nodes {
            came_back(&fleet, node).await?;
        }
        ensure!(counts.iter().all(|c| c.failed == 0 && c.requests > 200), "{}", told.join("\n"));
        let reads = fleet.document(&["report"]).await?["api_outage"]["reads"]["vip"].clone();
        ensure!(
            reads["failed"] == 0 && reads["requests"].as_u64() > Some(100),
            "the run's own reads: {reads}"
        );
        bcm::write_again(&fleet, "cp3").await?;
        fleet.ready().await?;
        judged(fleet).await
    });
}

/// The node's rule is gone. That it stood in both passes is known from the journal.
async fn came_back(fleet: &Fleet, node: &str) -> anyhow::Result<()> {
    let table = fleet.machine(node).ended(&["nft", "list", "table", "inet", "podlift_step_aside"]).await?;
    ensure!(!table.success(), "the table of {node} is still there: {}", table.stdout);
    Ok(())
}

/// etcd was moved and the old one runs on: through every answer of the old one, restarts of the agent and a kubeadm, nothing is ever
/// written towards it. What a person accepts then is healed again.
#[test]
fn nothing_is_ever_written_towards_an_etcd_that_was_left() {
    let base = up::prepare().unwrap_or_else(|error| panic!("{error:#}"));
    run(async move {
        let wanted = Wanted { control_planes: vec!["cp1"], workers: vec![], ..Wanted::default() };
        let fleet = Fleet::prepare(base, &std::env::current_exe()?, &wanted).await?;
        fleet.boot().await?;
        let told = moved(&Move::of(&fleet, "cp1"), &fleet).await;
        let words = if told.is_err() { fleet.words().await } else { String::new() };
        fleet.stop().await;
        told.context(words)
    });
}

/// The heal reports the empty flag, and does nothing about it.
fn is_empty(heal: &Value) -> bool {
    let findings = heal["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().any(|f| f["rule"] == "etcd-servers-empty" && f["report_only"].is_string())
}

async fn moved(etcd: &Move<'_>, fleet: &Fleet) -> anyhow::Result<()> {
    let (first, second) = (etcd.endpoint(&FIRST), etcd.endpoint(&SECOND));
    let known = |heal: &Value| heal["expectations"]["etcd_cluster"].clone();
    let heal = etcd.until("the heal knows its etcd", |heal| known(heal).is_string()).await?;
    let left = known(&heal);
    etcd.restore().await?;
    etcd.point(&second).await?;
    let forbidden = |heal: &Value| heal["expectations"]["forbidden"].is_string();
    etcd.until("the heal sees that etcd was moved", forbidden).await?;

    let watched = Watched::begin(etcd, &format!("--etcd-servers={first}"));
    etcd.point("").await?;
    etcd.until("the heal reports the empty flag", is_empty).await?;
    etcd.tempted().await?;
    etcd.restart_agent().await?;
    etcd.tempted().await?;
    etcd.kubeadm().await?;
    etcd.tempted().await?;
    etcd.until("it is still forbidden", forbidden).await?;
    watched.end()?;

    etcd.point(&second).await?;
    // What is accepted is the manifest that `heal status` shows.
    etcd.until("the heal sees the endpoints again", |heal| !is_empty(heal)).await?;
    let accepted = fleet.podlift(&["heal", "accept", "cp1", "kube-apiserver"]).await?;
    ensure!(accepted.code == 0, "heal accept exited {}: {}", accepted.code, accepted.stderr);
    etcd.until("the heal knows the new etcd", |heal| known(heal).is_string() && known(heal) != left).await?;
    etcd.point("").await?;
    watch::until("the new endpoints are healed", || async {
        Ok(etcd.manifest().contains(&format!("--etcd-servers={second}")).then_some(()))
    })
    .await
}

/// An outcome is reported once.
async fn once(fleet: &Fleet, step: &str) -> anyhow::Result<()> {
    let all = watch::events(fleet, |e| e["event"] == "op-ended" && e["step"] == step).await?;
    let first = all.first().with_context(|| format!("no record has the end of {step}"))?;
    ensure!(all.len() == 1 && first["outcome"]["result"] == "done", "{step} ended so: {all:?}");
    Ok(())
}
