//! A stream of a plan's progress, which ends with the plan. A slow watcher misses numbers; when the last watcher of a plan disconnects, the
//! looks end.

use crate::core::{Coordinator, PlanAsk};
use crate::exec::Count;
use podlift_common::wire::to_status;
use podlift_engine::program::{self, Program};
use podlift_proto::v1::plan_update::Update;
use podlift_proto::v1::{Document, PlanProgress, PlanUpdate};
use std::sync::Arc;
use tokio::sync::mpsc;
use tonic::Status;

type Watcher = mpsc::Sender<Result<PlanUpdate, Status>>;

pub(super) async fn watch(coordinator: Arc<Coordinator>, ask: PlanAsk, by: String, send: Watcher) {
    let shared = coordinator.shared_plan(&ask, &by);
    let mut seen = shared.progress();
    let making = shared.made();
    tokio::pin!(making);
    let mut told: Vec<Count> = vec![];
    let made = loop {
        tokio::select! {
            made = &mut making => break made,
            () = send.closed() => return,
            _ = seen.changed() => {
                let now = seen.borrow_and_update().clone();
                tell(&send, &now, &mut told);
            }
        }
    };
    tell(&send, &seen.borrow().clone(), &mut told);
    let last = made.map(|made| update(Update::Plan(document(&made))));
    drop(send.send(last.map_err(|e| to_status(&e))).await);
}

/// The plan with its digest, so that an edited file is noticed.
pub(super) fn document(plan: &Program) -> Document {
    Document { kind: program::SCHEMA.into(), json: plan.to_json() }
}

fn update(update: Update) -> PlanUpdate {
    PlanUpdate { update: Some(update) }
}

/// Sends the counts that changed since the last call. If the channel is full, the next call sends them.
fn tell(send: &Watcher, now: &[Count], told: &mut Vec<Count>) {
    for (at, count) in now.iter().enumerate().filter(|(at, count)| told.get(*at) != Some(*count)) {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (done, total) = (number(count.done), number(count.total));
        let progress = PlanProgress { what: count.what.into(), done, total };
        if send.try_send(Ok(update(Update::Progress(progress)))).is_err() {
            told.truncate(at);
            return;
        }
    }
    *told = now.to_vec();
}
