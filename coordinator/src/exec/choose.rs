//! The choice of the next batch: a look at nodes and pods, what the engine decides on it, and the record of that. A choice that has to wait
//! is asked for again when the journal has changed, or after a while, because time passes and jobs end without a record.

use super::desk::Desk;
use podlift_engine::doors::NodeView;
use podlift_engine::machine::{self, Event, RunState};
use podlift_engine::survey::{GangView, PodView};
use podlift_engine::{ClusterLook, ClusterReply};
use podlift_model::{Failure, NodeName, RunId, codes};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Longest time between two looks. Pods change all the time in a large cluster, so a change of the cluster alone asks for no look.
const RETHINK: Duration = Duration::from_secs(10);
/// Decisions take at most one part in so many of the time, and a decision that took long is repeated after `LONGEST` at the latest.
const SHARE: u32 = 20;
const LONGEST: Duration = Duration::from_secs(30);

/// What the cluster shows.
struct Scene {
    nodes: Vec<NodeView>,
    pods: Vec<PodView>,
    gangs: Vec<GangView>,
}

/// What a decision led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decided {
    /// Lanes were chosen.
    Chosen,
    /// The run has changed otherwise: nodes are left out, it pauses and asks, or it has changed while the decision was made.
    Changed,
    /// Nothing may begin. The run has had so many events since.
    Waits { events: u64 },
}

/// Decides once. Returns when lanes are chosen, or when it is time to decide again.
pub(super) async fn choose(desk: Arc<Desk>, run: RunId) {
    let scene = look(&desk).await;
    let Some(seen) = desk.store.run(&run).filter(|_| desk.fence.commanding().is_some()) else { return };
    let began = Instant::now();
    let event = judge(&desk, &seen, scene).await;
    let decided = record(&desk, &seen, event);
    if decided == Decided::Chosen {
        return;
    }
    let mut journal = desk.store.subscribe();
    sleep(desk.settings.poll.max(began.elapsed() * SHARE).min(LONGEST)).await;
    if let Decided::Waits { events } = decided
        && desk.store.run(&run).is_some_and(|now| now.events == events)
    {
        drop(timeout(RETHINK, journal.changed()).await);
    }
}

async fn look(desk: &Desk) -> Result<Scene, Failure> {
    match desk.performer.cluster.look(&ClusterLook::Workloads).await? {
        ClusterReply::Workloads { nodes, pods, gangs } => Ok(Scene { nodes, pods, gangs }),
        _ => Err(Failure::permanent(codes::ODD_REPLY, "unexpected answer to nodes and pods")),
    }
}

/// The event that follows from the scene, decided on a thread of its own: in a large cluster that takes a part of a second. A thread that
/// fails is a wait that people see.
async fn judge(desk: &Desk, seen: &Arc<RunState>, scene: Result<Scene, Failure>) -> Option<Event> {
    let (state, now) = (seen.clone(), desk.clock.now());
    let judged = tokio::task::spawn_blocking(move || match scene {
        Ok(Scene { nodes, pods, gangs }) => machine::choose(&state, &nodes, &pods, &gangs, now),
        Err(failure) => held(&state, UNSEEN, &failure.message),
    });
    judged.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a batch can't be chosen");
        held(seen, FAILED, "its log says where, journalctl -u podlift-coordinator")
    })
}

/// Records the event if it still fits the run.
fn record(desk: &Desk, seen: &RunState, event: Option<Event>) -> Decided {
    let waits = matches!(event, None | Some(Event::BatchWaits { .. }));
    let chosen = matches!(event, Some(Event::BatchChosen { .. }));
    let (mut events, mut fits) = (seen.events, true);
    let written = desk.write(&seen.run, |state| {
        fits = still(state, seen, event.as_ref());
        events = state.events;
        event.filter(|_| fits)
    });
    match () {
        () if !fits => Decided::Changed,
        () if waits || !written => Decided::Waits { events: events + u64::from(written) },
        () if chosen => Decided::Chosen,
        () => Decided::Changed,
    }
}

/// Whether what was decided on `seen` holds for the run as it is now. Meanwhile lanes may have ended, and none can have begun, because only
/// this choice lets them; but nodes may have left, and an operator may have allowed fewer.
fn still(now: &RunState, seen: &RunState, event: Option<&Event>) -> bool {
    if now.events == seen.events {
        return true;
    }
    let stays = |nodes: &[NodeName]| !nodes.iter().any(|node| now.goes_without(node));
    let same = machine::batch_due(now)
        && now.max_unavailable == seen.max_unavailable
        && now.phase().map(|phase| &phase.name) == seen.phase().map(|phase| &phase.name);
    same && match event {
        Some(Event::BatchChosen { nodes, number, .. }) => {
            *number as usize == now.batches.len() + 1 && stays(nodes)
        }
        Some(Event::BatchLeft { nodes, .. }) => stays(nodes),
        _ => true,
    }
}

/// Why nothing can be chosen, before the particulars.
const UNSEEN: &str = "nodes and pods can't be looked at";
const FAILED: &str = "the choice of the next nodes failed in the coordinator";

/// The wait for this reason; `None` if the journal has it already, with whatever particulars: they differ with each try.
fn held(state: &RunState, why: &str, how: &str) -> Option<Event> {
    let known = state.batch_waits.as_ref().is_some_and(|wait| wait.why.starts_with(why));
    (machine::batch_due(state) && !known)
        .then(|| Event::BatchWaits { why: format!("{why}: {how}"), until: None })
}
