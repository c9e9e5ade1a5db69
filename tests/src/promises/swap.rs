//! kubeadm may move a newer file in between the look and the repair: the newer file stays, and is looked at in its turn.

use crate::direct::config;
use crate::sabotage::{Racing, Sabotage};
use crate::{Kept, ensure};
use podlift_agent::Agent;
use podlift_agent::host::Host;
use podlift_agent::link::{Channel, Link, LinkError};
use podlift_lab::{Shape, World};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const FILE: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";

/// No coordinator is connected: agents heal alone.
struct NoLink;

#[async_trait::async_trait]
impl Link for NoLink {
    async fn open(&self) -> Result<Channel, LinkError> {
        Err(LinkError { to: "nowhere".into(), why: "there is no coordinator".into() })
    }
}

pub async fn a_heal_never_overwrites_a_newer_file(sabotage: Sabotage) -> Kept {
    let world = World::new(Shape::default());
    world.start();
    let good = world.disk("runai-01").text(FILE);
    let broken = good.replace("--etcd-servers=https", "--etcd-servers= #https");
    let broken: String = broken.lines().map(|l| format!("{}\n", l.split(" #").next().unwrap_or(l))).collect();
    let newer =
        good.replace("--allow-privileged=true", "--allow-privileged=true\n    - --audit-log-maxage=30");
    let host = world.host("runai-01");
    let race = Arc::new(Racing { inner: host.files.clone(), newer: Mutex::new(None) });
    let host = sabotage.host_over(Host { files: race.clone(), ..host }, &race);
    let agent = Agent::open(host, config(&world, "runai-01")).map_err(|e| e.to_string())?;
    let task = tokio::spawn(agent.run(Arc::new(NoLink), CancellationToken::new()));
    tokio::time::sleep(Duration::from_secs(120)).await;
    *race.newer.lock().unwrap_or_else(|e| e.into_inner()) = Some(newer.clone().into_bytes());
    world
        .disk("runai-01")
        .put_synced(Path::new(FILE), broken.as_bytes(), 0o600)
        .map_err(|e| e.to_string())?;
    tokio::time::sleep(Duration::from_secs(30)).await;
    task.abort();
    let raced = race.newer.lock().unwrap_or_else(|e| e.into_inner()).is_none();
    ensure(raced, || "the agent never tried to repair the broken manifest".into())?;
    let now = world.disk("runai-01").text(FILE);
    ensure(now == newer, || format!("the newer file was lost; now:\n{now}"))
}
