//! The choice of the next batch: a look at nodes and pods, what the engine decides on it, and the record of that. A choice that has to wait
//! is asked for again when the journal has changed, or after a while, because time passes and jobs end without a record.

use super::desk::Desk;
use podlift_engine::doors::NodeView;
use podlift_engine::machine::{self, Event, RunState};
use podlift_engine::survey::PodView;
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::{Failure, RunId, codes};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Longest time between two looks. Pods change all the time in a large cluster, so a change of the cluster alone asks for no look.
const RETHINK: Duration = Duration::from_secs(10);
/// Looks and decisions take at most one part in so many of the time.
const SHARE: u32 = 20;

/// What the cluster shows.
struct Scene {
    nodes: Vec<NodeView>,
    pods: Vec<PodView>,
}

/// What a decision led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// Lanes were chosen, or the run is gone.
    Chosen,
    /// The run has changed otherwise: nodes are left out, or it pauses and asks.
    Changed,
    Waits,
}

/// Decides once. Returns when lanes are chosen, or when it is time to decide again.
pub(super) async fn choose(desk: Arc<Desk>, run: RunId) {
    let (mut journal, began) = (desk.store.subscribe(), Instant::now());
    let scene = look(&desk).await;
    if desk.fence.commanding().is_none() {
        return;
    }
    let decided = decide(&desk, &run, scene);
    if decided == Decided::Chosen {
        return;
    }
    sleep(desk.settings.poll.max(began.elapsed() * SHARE)).await;
    if decided == Decided::Waits {
        drop(timeout(RETHINK, journal.changed()).await);
    }
}

async fn look(desk: &Desk) -> Result<Scene, Failure> {
    match desk.performer.cluster.look(&ClusterLook::Workloads).await? {
        ClusterReply::Workloads { nodes, pods } => Ok(Scene { nodes, pods }),
        _ => Err(Failure::permanent(codes::ODD_REPLY, "unexpected answer to nodes and pods")),
    }
}

/// Records the decision, or why there is none.
fn decide(desk: &Desk, run: &RunId, scene: Result<Scene, Failure>) -> Decided {
    let Some(seen) = desk.store.run(run) else { return Decided::Chosen };
    let judge = |state: &RunState| match &scene {
        Ok(Scene { nodes, pods }) => machine::choose(state, nodes, pods, desk.clock.now()),
        Err(failure) => blind(state, failure),
    };
    // The writer's lock is held while an event is decided, so the work is done before, and again only if the run has changed meanwhile.
    let first = judge(&seen);
    let mut decided = Decided::Waits;
    let written = desk.write(run, |state| {
        let event = if state.events == seen.events { first } else { judge(state) };
        decided = match event {
            None | Some(Event::BatchWaits { .. }) => Decided::Waits,
            Some(Event::BatchChosen { .. }) => Decided::Chosen,
            Some(_) => Decided::Changed,
        };
        event
    });
    if written { decided } else { Decided::Waits }
}

/// The wait for a cluster that can't be seen; `None` if the journal has it already.
fn blind(state: &RunState, failure: &Failure) -> Option<Event> {
    let why = format!("nodes and pods can't be looked at: {}", failure.message);
    let known = state.batch_waits.as_ref().is_some_and(|wait| wait.why == why);
    (machine::batch_due(state) && !known).then_some(Event::BatchWaits { why, until: None })
}
