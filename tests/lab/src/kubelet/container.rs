//! Containers of static pods in the runtime, and what makes one end at once.

use super::files::{Manifest, Started};
use crate::world::state::{Container, Sandbox, State};
use crate::world::{FaultAction, Store, What, World, versions};
use jiff::Timestamp;
use podlift_model::{FlagSet, gates};
use std::sync::Arc;
use std::time::Duration;

/// Ended containers kept a pod.
const KEPT: usize = 2;
/// The static pod of a stacked etcd: its container is the node's member.
const ETCD: &str = "etcd";
/// Of a container that did not end within its grace period.
const KILLED: i32 = 137;

/// Why the component would exit with 1 within a second, in its own words; None where it would run.
pub fn verdict(manifest: &Manifest) -> Option<String> {
    let args = manifest.args();
    let flags = FlagSet::parse(args.iter().map(String::as_str));
    let version = versions::of_image(&manifest.image())?;
    let fatal =
        flags.gates().iter().find_map(|(gate, value)| gates::fatal_text(gate, *value, version.minor()));
    let no_etcd = manifest.name == "kube-apiserver" && flags.items("etcd-servers").is_empty();
    fatal.or_else(|| no_etcd.then(|| "--etcd-servers must be specified".to_string()))
}

pub fn running_hash(world: &World, node: &str, name: &str) -> Option<String> {
    let s = world.lock();
    s.node(node).container(name).filter(|c| c.running()).map(|c| c.hash.clone())
}

/// What the kubelet takes at least from a file to its pod.
const READ: Duration = Duration::from_millis(1);

fn fresh_id(s: &mut State, node: &str, name: &str) -> String {
    let serial = s.serial();
    podlift_model::Digest::of(format!("{node}/{name}/{serial}")).as_str().to_string()
}

/// A restarted container finds the sandbox of the one before it.
fn sandbox(s: &mut State, node: &str, manifest: &Manifest, attempt: u32, now: Timestamp) -> Sandbox {
    let before = s.node(node).container(&manifest.name).filter(|c| attempt > 0 && c.hash == manifest.hash);
    if let Some(sandbox) = before.map(|c| c.sandbox.clone()) {
        return sandbox;
    }
    let id = fresh_id(s, node, &manifest.name);
    // The runtime makes it after the kubelet has read the file: never in the same instant.
    Sandbox { id, created: now + READ, file: manifest.file.clone() }
}

/// The pod's containers; of a restart only the component's own.
fn containers(
    s: &mut State,
    node: &str,
    manifest: &Manifest,
    attempt: u32,
    now: Timestamp,
) -> Vec<Container> {
    let sandbox = sandbox(s, node, manifest, attempt, now);
    let beside = manifest.beside().into_iter().filter(|_| attempt == 0);
    let all: Vec<Started> = beside.chain([manifest.main()]).collect();
    let container = |started: Started| Container {
        id: fresh_id(s, node, &started.name),
        pod: manifest.name.clone(),
        namespace: "kube-system".into(),
        sandbox: sandbox.clone(),
        hash: manifest.hash.clone(),
        store: Store::of(&started.args),
        name: started.name,
        image: started.image,
        args: started.args,
        attempt,
        created: now,
        finished: None,
        exit: None,
        listening: false,
        opened: None,
        log: vec![],
    };
    all.into_iter().map(container).collect()
}

pub fn start(world: &Arc<World>, node: &str, manifest: &Manifest, attempt: u32) {
    let now = world.clock.now();
    world.update(|s| {
        let all = containers(s, node, manifest, attempt, now);
        let n = s.node_mut(node);
        n.containers.extend(all);
        let mut ended: Vec<String> = n
            .containers
            .iter()
            .filter(|c| c.pod == manifest.name && !c.running())
            .map(|c| c.id.clone())
            .collect();
        ended.truncate(ended.len().saturating_sub(KEPT));
        n.containers.retain(|c| !ended.contains(&c.id));
    });
    world.record(node, What::ContainerStart { name: manifest.name.clone() }, None);
}

fn with_newest(world: &Arc<World>, node: &str, name: &str, change: impl FnOnce(&mut Container)) {
    world.update(|s| {
        let newest = s.node_mut(node).containers.iter_mut().rev().find(|c| c.name == name && c.running());
        newest.map(change)
    });
}

/// It answers from now on.
pub fn set_listening(world: &Arc<World>, node: &str, manifest: &Manifest) {
    if verdict(manifest).is_none() {
        let now = world.clock.now();
        with_newest(world, node, &manifest.name, |c| (c.listening, c.opened) = (true, Some(now)));
        world.update(|s| {
            s.note_store(node);
            if manifest.name == ETCD {
                s.etcds_mut().for_each(|e| e.up(node));
            }
        });
    }
}

/// Its start is long past.
pub fn runs_for_long(world: &Arc<World>, node: &str, manifest: &Manifest) {
    with_newest(world, node, &manifest.name, |c| c.opened = None);
}

/// Why a container ends right after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    pub exit: i32,
    pub why: String,
}

impl Crash {
    fn of(why: String) -> Self {
        Self { exit: 1, why }
    }
}

/// By its manifest, or by the order of a test (program `container`, with the image as its text).
pub fn doomed(world: &World, node: &str, manifest: &Manifest) -> Option<Crash> {
    let order = world.take_fault(node, "container", &manifest.image());
    let ordered = order.and_then(|action| match action {
        FaultAction::Fail { code, stderr } | FaultAction::FailAfter { code, stderr } => {
            Some(Crash { exit: code, why: stderr })
        }
        FaultAction::Delay(_) | FaultAction::Hang | FaultAction::Api(_) => None,
    });
    verdict(manifest).map(Crash::of).or(ordered)
}

/// How a second container of a component ends while the first still listens.
pub fn port_taken(world: &World, node: &str, name: &str) -> Option<Crash> {
    let s = world.lock();
    let old = s.node(node).containers.iter().find(|c| c.name == name && c.listening && c.running())?;
    let (address, port) = super::listens_at(old);
    Some(Crash::of(format!(
        "failed to create listener: failed to listen on {address}:{port}: listen tcp {address}:{port}: bind: address already in use"
    )))
}

pub fn crash(world: &Arc<World>, node: &str, manifest: &Manifest, Crash { exit, why }: &Crash) {
    let now = world.clock.now();
    let line = format!(
        "E{} {:>7} run.go:72] \"command failed\" err=\"{why}\"",
        now.strftime("%m%d %H:%M:%S.%6f"),
        1
    );
    with_newest(world, node, &manifest.name, |c| {
        c.log.push(line);
        (c.finished, c.exit, c.listening) = (Some(now), Some(*exit), false);
    });
    let name = manifest.name.clone();
    world.record(node, What::ContainerCrash { name, why: why.clone() }, None);
}

/// The stop signal: an API server answers no more. True if there was something to stop.
pub fn stopping(world: &Arc<World>, node: &str, name: &str) -> bool {
    let running = running_hash(world, node, name).is_some();
    with_newest(world, node, name, |c| c.listening = false);
    if running && name == ETCD {
        world.update(|s| s.etcds_mut().for_each(|e| e.down(node)));
    }
    running
}

/// Kills what is left of the pod under other hashes, as the kubelet does with containers that belong to no pod it knows.
pub fn kill_others(world: &Arc<World>, node: &str, name: &str, hash: &str) {
    let now = world.clock.now();
    world.update(|s| {
        let all = s.node_mut(node).containers.iter_mut();
        let others = all.filter(|c| c.pod == name && c.hash != hash && c.running());
        others.for_each(|c| (c.finished, c.exit, c.listening) = (Some(now), Some(KILLED), false));
    });
}

pub fn stopped(world: &Arc<World>, node: &str, name: &str) {
    let now = world.clock.now();
    world.update(|s| {
        let all = s.node_mut(node).containers.iter_mut().filter(|c| c.pod == name && c.running());
        all.for_each(|c| (c.finished, c.exit) = (Some(now), Some(0)));
    });
}
