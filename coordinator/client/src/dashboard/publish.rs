//! From the live model to the browsers: updates are folded as they come, and shown at most ten times a second.

use super::Describe;
use super::cells::Works;
use super::hub::Hub;
use super::ring::{LINES, Line};
use super::scene::scene;
use crate::live::{Live, Update};
use jiff::Timestamp;
use podlift_common::clock::Clock;
use podlift_engine::machine::{Event, Record};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Between two publications.
const PACE: Duration = Duration::from_millis(100);
/// Between two signs of life.
const ALIVE: Duration = Duration::from_secs(15);
/// Updates that are folded before the page is shown again.
const BURST: usize = 1000;

/// Runs until the feed has ended.
pub(super) async fn run(mut from: Receiver<Update>, hub: &Hub, clock: &dyn Clock, describe: Describe) {
    let mut folded = Folded::default();
    let mut alive = tokio::time::interval(ALIVE);
    loop {
        tokio::select! {
            update = from.recv() => {
                let Some(update) = update else { return };
                folded.take(update, clock.now(), describe);
                for _ in 1..BURST {
                    let Ok(update) = from.try_recv() else { break };
                    folded.take(update, clock.now(), describe);
                }
                hub.publish(scene(&folded.live, &folded.works), std::mem::take(&mut folded.lines), clock.now().as_millisecond());
                tokio::time::sleep(PACE).await;
            }
            _ = alive.tick() => hub.alive(),
        }
    }
}

/// The live model, the nodes ahead of its status, and lines that were not shown yet.
#[derive(Default)]
pub(super) struct Folded {
    pub live: Live,
    pub works: Works,
    pub lines: Vec<Line>,
}

impl Folded {
    pub fn take(&mut self, update: Update, now: Timestamp, describe: Describe) {
        match update {
            Update::Status(status) => self.live.take_status(*status),
            Update::Disconnected(error) => self.live.disconnected(error.summary(), now),
            Update::Record(record) => self.record(&record, describe),
        }
    }

    fn record(&mut self, record: &Record, describe: Describe) {
        let text = match self.live.take_record(record) {
            Ok(false) => return,
            Ok(true) => describe(record, self.live.run.as_ref()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(run) = &self.live.run {
            match node(&record.event, run) {
                Touched::Node(node) => self.works.look(run, &node),
                Touched::All => self.works.look_at_all(run),
                Touched::Nothing => {}
            }
        }
        if let Some(text) = text {
            let line = Line { seq: record.seq, at: record.at.to_string(), text, tone: tone(&record.event) };
            self.lines.push(line);
        }
        // Only the last lines are shown, and a long run has many.
        if self.lines.len() > 2 * LINES {
            self.lines.drain(..LINES);
        }
    }
}

/// Which nodes an event may have changed.
enum Touched {
    Nothing,
    Node(podlift_model::NodeName),
    All,
}

fn node(event: &Event, run: &podlift_engine::RunState) -> Touched {
    let of_step = |step| match run.spec(step).and_then(|spec| spec.node.clone()) {
        Some(node) => Touched::Node(node),
        None => Touched::Nothing,
    };
    match event {
        Event::StepStarted { step, .. }
        | Event::OpEnded { step, .. }
        | Event::StepWaiting { step, .. }
        | Event::StepDone { step, .. }
        | Event::StepFailed { step, .. } => of_step(step),
        Event::NodeDeferred { node, .. }
        | Event::NodeIncluded { node, .. }
        | Event::NodeLost { node, .. }
        | Event::NodeUndone { node, .. }
        | Event::NodeSetAside { node, .. } => Touched::Node(node.clone()),
        Event::RunStarted { .. }
        | Event::EarlierLost { .. }
        | Event::RetryAsked { .. }
        | Event::RunAborted { .. }
        | Event::BatchLeft { .. } => Touched::All,
        _ => Touched::Nothing,
    }
}

fn tone(event: &Event) -> &'static str {
    match event {
        Event::StepFailed { .. }
        | Event::NodeSetAside { .. }
        | Event::ApiDown { .. }
        | Event::ObjectLost { .. }
        | Event::MendEnded { result: Err(_), .. }
        | Event::AgentLost { .. } => "bad",
        Event::StepWaiting { .. }
        | Event::RunPaused { .. }
        | Event::Healed { .. }
        | Event::NodeDeferred { .. }
        | Event::NodeLost { .. }
        | Event::ItemRefused { .. }
        | Event::SentinelSaw { .. }
        | Event::AbortAsked { .. } => "care",
        Event::StepDone { .. }
        | Event::RunSucceeded
        | Event::ApiUp { .. }
        | Event::MendEnded { .. }
        | Event::SentinelCleared { .. } => "good",
        _ => "",
    }
}
