//! The World itself: the lock, the clock, the disks, the hooks. It must never hold the lock across an await.

use super::bcm::build::IMAGES;
use super::effects::{Effect, What};
use super::faults::{Fault, FaultAction};
use super::shape::Shape;
use super::state::State;
use super::traffic::Traffic;
use crate::disk::{Below, Disk, MemDisk};
use crate::doubles::HEAD;
use futures_util::future::BoxFuture;
use podlift_common::clock::{Clock, TokioClock};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A call of a program, as hooks see it.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    pub node: &'a str,
    pub program: &'a str,
    pub args: &'a [String],
    pub unit: Option<&'a str>,
}

/// Sees what happens, as it happens; tests cut power from here. Called without the lock.
pub trait Hook: Send + Sync {
    fn before(&self, _call: &Seen<'_>) {}
    fn after(&self, _call: &Seen<'_>, _code: i32) {}
    fn effect(&self, _effect: &Effect) {}
}

/// Runs a unit's ExecStopPost on a node: argv, then SERVICE_RESULT, EXIT_CODE, EXIT_STATUS.
pub type StopPost = Arc<
    dyn Fn(Arc<World>, String, Vec<String>, BTreeMap<String, String>) -> BoxFuture<'static, ()> + Send + Sync,
>;

pub struct World {
    pub shape: Shape,
    pub clock: Arc<dyn Clock>,
    state: Mutex<State>,
    disks: BTreeMap<String, Arc<dyn Disk>>,
    changed: watch::Sender<u64>,
    hooks: Mutex<Vec<Arc<dyn Hook>>>,
    faults: Mutex<Vec<Fault>>,
    taken: AtomicU64,
    /// Held while a manifest is written or its writer looked for.
    writing: Mutex<()>,
    stop_post: Mutex<Option<StopPost>>,
    /// What the API servers were asked for.
    pub traffic: Traffic,
    /// Tasks by node, which end with its power; and the World's own under "".
    tasks: Mutex<Vec<(String, u64, AbortHandle)>>,
}

/// What the in-process clock shows at the start.
pub const EPOCH: &str = "2025-10-20T15:00:00Z";

impl World {
    /// A World in memory, on tokio's clock.
    pub fn new(shape: Shape) -> Arc<Self> {
        let epoch = EPOCH.parse().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(epoch));
        let disk = |name: &String| (name.clone(), Arc::new(MemDisk::new(clock.clone())) as Arc<dyn Disk>);
        let disks = shape.nodes().map(disk).collect();
        let world = Self::with_disks(shape, clock, disks);
        world.set_stop_post(crate::host::in_process());
        world
    }

    pub fn with_disks(
        shape: Shape,
        clock: Arc<dyn Clock>,
        disks: BTreeMap<String, Arc<dyn Disk>>,
    ) -> Arc<Self> {
        let state = super::build::state(&shape, clock.now());
        let mut disks = disks;
        // A head in memory where it is no process.
        disks.entry(HEAD.into()).or_insert_with(|| Arc::new(MemDisk::new(clock.clone())));
        let world = Self {
            shape,
            clock,
            state: Mutex::new(state),
            disks,
            changed: watch::Sender::new(0),
            hooks: Mutex::default(),
            faults: Mutex::default(),
            taken: AtomicU64::new(0),
            writing: Mutex::default(),
            stop_post: Mutex::default(),
            traffic: Traffic::default(),
            tasks: Mutex::default(),
        };
        super::seed::disks(&world);
        super::bcm::build::seed(&world);
        Arc::new(world)
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No other writer writes a manifest meanwhile.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes every task that waits for a condition on it.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.lock());
        self.changed.send_modify(|n| *n += 1);
        out
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Waits until something holds; looks again after every change.
    pub async fn until(&self, mut holds: impl FnMut(&State) -> bool) {
        let mut changes = self.changes();
        while !holds(&self.lock()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub async fn sleep(&self, lab: Duration) {
        tokio::time::sleep(lab / self.shape.factor.max(1)).await;
    }

    /// The disk of a node that the shape names, of the head, or of an image, whose path it is.
    pub fn disk(&self, node: &str) -> Arc<dyn Disk> {
        if node.starts_with(IMAGES) {
            return Arc::new(Below::new(self.disk(HEAD), node));
        }
        self.disks.get(node).unwrap_or_else(|| panic!("the lab has no node {node:?}")).clone()
    }

    pub fn has_node(&self, node: &str) -> bool {
        node != HEAD && self.disks.contains_key(node)
    }

    pub fn add_hook(&self, hook: Arc<dyn Hook>) {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub fn hooks(&self) -> Vec<Arc<dyn Hook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn add_fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub fn clear_faults(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes one use of the first fault that hits.
    pub fn take_fault(&self, node: &str, program: &str, text: &str) -> Option<FaultAction> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|f| f.hits(node, program, text, self.clock.now()))?;
        fault.times -= 1;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(fault.action.clone())
    }

    /// How many calls were hit by faults so far.
    pub fn faults_taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Records an effect and passes it to the hooks.
    pub fn record(&self, node: &str, what: What, op: Option<String>) {
        let at = self.clock.now();
        let effect = self.update(|s| {
            let effect = Effect { seq: s.effects.len() as u64, at, node: node.into(), what, op };
            s.effects.push(effect.clone());
            effect
        });
        for hook in self.hooks() {
            hook.effect(&effect);
        }
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.lock().effects.clone()
    }

    /// A task that ends with the node's power; "" for the World's own.
    pub fn spawn(&self, node: &str, task: impl Future<Output = ()> + Send + 'static) -> u64 {
        let id = self.lock().serial();
        let handle = tokio::spawn(task).abort_handle();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|(_, _, h)| !h.is_finished());
        tasks.push((node.into(), id, handle));
        id
    }

    /// Ends tasks: of a node, or the one with this id.
    pub fn abort(&self, mut which: impl FnMut(&str, u64) -> bool) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|(node, id, handle)| {
            let end = which(node, *id);
            if end {
                handle.abort();
            }
            !end
        });
    }

    pub fn set_stop_post(&self, run: StopPost) {
        *self.stop_post.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    pub fn stop_post(&self) -> Option<StopPost> {
        self.stop_post.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
