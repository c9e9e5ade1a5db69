//! A run in the runbook's cluster, in the middle of which somebody takes something away.

use crate::crash::small;
use crate::cut::Cut;
use crate::pod::{Pod, why};
use crate::sabotage::Sabotage;
use crate::{ensure, press};
use podlift_engine::machine::{RunState, RunStatus};
use podlift_engine::program::{APPROVAL, Item, StopReason};
use podlift_lab::objects::Key;
use podlift_lab::world::ingress::Answer;
use podlift_lab::world::site::DOMAIN;
use podlift_lab::world::{Trace, balancers};
use podlift_lab::{Effect, Hook, Shape, What, World};
use podlift_model::Digest;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Pauses of one run that a person bears.
const PAUSES: usize = 20;

/// One control-plane node and one worker, with what the runbook's cluster has beside Kubernetes. A step waits two minutes at most.
pub fn runbook() -> Pod {
    let mut pod = Pod::new(Shape { runbook: true, ..small() }, Sabotage::None);
    pod.options.wait_seconds = 120;
    pod
}

pub fn service() -> Key {
    Key::new("", "services", "ingress-nginx", "ingress-nginx-controller")
}

/// The secret of Run:ai's host name, then the controller's default one.
pub fn secrets() -> [Key; 2] {
    [("runai", "runai-backend-tls"), ("ingress-nginx", "ingress-server-default-tls")]
        .map(|(namespace, name)| Key::new("", "secrets", namespace, name))
}

/// Somebody deletes the load balancer of the ingress, and leaves no trace.
pub fn lose_service(world: &World) {
    world.lose(&service(), &Trace::default());
}

/// Somebody deletes both secrets, and leaves no trace.
pub fn lose_secrets(world: &World) {
    for key in secrets() {
        world.lose(&key, &Trace::default());
    }
}

type Deed = Box<dyn Fn(&World) + Send + Sync>;

struct Robber {
    world: Weak<World>,
    deed: Deed,
    done: AtomicBool,
}

impl Hook for Robber {
    /// When the control-plane node's kubelet restarts: its API server is upgraded, and the backup is sealed long since.
    fn effect(&self, effect: &Effect) {
        let now = matches!(effect.what, What::KubeletRestart { .. }) && effect.node == "runai-01";
        if let Some(world) = self.world.upgrade().filter(|_| now && !self.done.swap(true, Ordering::SeqCst)) {
            (self.deed)(&world);
        }
    }
}

/// This happens once, in the middle of the run.
pub fn rob(pod: &Pod, deed: impl Fn(&World) + Send + Sync + 'static) {
    let world = Arc::downgrade(&pod.world);
    pod.world.add_hook(Arc::new(Robber { world, deed: Box::new(deed), done: AtomicBool::new(false) }));
}

/// Starts a run, and waits until it rests.
pub async fn run(pod: &mut Pod) -> Result<Arc<RunState>, String> {
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    pod.rest().await.ok_or_else(|| "the run never rested".into())
}

/// The pause of a run that waits for an item, with its words.
pub fn asked(state: &RunState, item: Item) -> Result<StopReason, String> {
    let RunStatus::Paused { reason } = &state.status else { return Err(why(state)) };
    let text = format!("{} {}", reason.message, reason.detail);
    let right =
        reason.code == APPROVAL && reason.next == item.command() && text.contains("--refuse --reason");
    ensure(right, || format!("expected a question about {item}: {reason:?}"))?;
    Ok(reason.clone())
}

/// Approves every item that the run asks for, until it is over or stops for another reason.
pub async fn approve_all(pod: &Pod) -> Result<Arc<RunState>, String> {
    for _ in 0..PAUSES {
        let state = pod.rest().await.ok_or("the run never rested")?;
        match &state.status {
            RunStatus::Paused { reason } if reason.code == APPROVAL => press::next(pod, reason).await?,
            _ => return Ok(state),
        }
    }
    Err(format!("paused {PAUSES} times"))
}

/// The same, and the run has succeeded.
pub async fn succeeds(pod: &Pod) -> Result<Arc<RunState>, String> {
    let state = approve_all(pod).await?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    Ok(state)
}

pub fn object(world: &World, key: &Key) -> Option<Value> {
    world.lock().api.get(key).cloned()
}

pub fn uid(world: &World, key: &Key) -> Option<String> {
    object(world, key)?["metadata"]["uid"].as_str().map(String::from)
}

/// What the cluster serves: each load balancer with its addresses, each TLS secret by its content, and the key at the wire.
pub fn served(world: &World) -> Vec<String> {
    let services = {
        let s = world.lock();
        let all = s.api.of("", "services").filter(|(_, v)| v["spec"]["type"] == "LoadBalancer");
        let text = |(k, v): (&Key, &Value)| {
            let addresses: Vec<&str> = balancers::addresses(v).collect();
            format!("service {}/{}: {addresses:?} {}", k.namespace, k.name, v["spec"]["ports"])
        };
        all.map(text).collect::<Vec<_>>()
    };
    let secrets = secrets().map(|key| {
        let content = object(world, &key).map(|v| Digest::of(v["data"].to_string()).to_string());
        format!("secret {}/{}: {content:?}", key.namespace, key.name)
    });
    let wire = Digest::of(presented(world)).to_string();
    services.into_iter().chain(secrets).chain([format!("at the wire: {wire}")]).collect()
}

/// The key of the pair with which the ingress answers for Run:ai's name; empty without TLS.
pub fn presented(world: &World) -> String {
    match world.ingress_answers(&world.shape.ingress_address(), &format!("runai.{DOMAIN}")) {
        Answer::Serves(pair, _) => pair.key,
        _ => String::new(),
    }
}
