//! A validation as a stream: what is looked at, then the document. It ends if the client disconnects; test objects are deleted
//! all the same.

use crate::core::Coordinator;
use crate::dispatch::Progress;
use crate::validate::ValidateAsk;
use podlift_common::wire::{to_document, to_status};
use podlift_engine::validate::SCHEMA;
use podlift_proto::v1::{ValidateUpdate, validate_update::Update};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

/// Messages that wait for the client; further progress is dropped.
const WAITING: usize = 64;

type Said = Result<ValidateUpdate, Status>;

pub(super) fn streamed(coordinator: Arc<Coordinator>, ask: ValidateAsk) -> Response<ReceiverStream<Said>> {
    let (send, receive) = mpsc::channel(WAITING);
    let looking = send.clone();
    let told: Progress = Arc::new(move |what| drop(looking.try_send(Ok(update(Update::Looking(what))))));
    tokio::spawn(async move {
        let made = tokio::select! {
            made = coordinator.validate(&ask, &told) => made,
            () = send.closed() => return,
        };
        let last = made.map(|made| update(Update::Validation(to_document(SCHEMA, &made))));
        drop(send.send(last.map_err(|e| to_status(&e))).await);
    });
    Response::new(ReceiverStream::new(receive))
}

fn update(update: Update) -> ValidateUpdate {
    ValidateUpdate { update: Some(update) }
}
