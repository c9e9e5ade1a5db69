//! Work on backups as a stream: how far it has come, then the document. It goes on when nobody listens any more.

use crate::backup::{Tell, Told};
use crate::core::CoordinatorError;
use podlift_common::wire::{to_document, to_status};
use podlift_engine::view::BackupCheck;
use podlift_engine::view::backups::CHECK_SCHEMA;
use podlift_proto::v1::{self, backup_update::Update};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

/// Progress that nobody has taken yet; more of it is dropped.
const WAITING: usize = 64;

type Said = Result<v1::BackupUpdate, Status>;

pub(super) fn told<F>(work: impl FnOnce(Tell) -> F) -> Response<ReceiverStream<Said>>
where
    F: Future<Output = Result<BackupCheck, CoordinatorError>> + Send + 'static,
{
    let (send, receive) = mpsc::channel(WAITING);
    let progress = send.clone();
    let work = work(Arc::new(move |told| drop(progress.try_send(Ok(update(told))))));
    tokio::spawn(async move {
        let said = match work.await {
            Ok(check) => {
                Ok(v1::BackupUpdate { update: Some(Update::Check(to_document(CHECK_SCHEMA, &check))) })
            }
            Err(error) => Err(to_status(&error)),
        };
        drop(send.send(said).await);
    });
    Response::new(ReceiverStream::new(receive))
}

fn update(told: Told) -> v1::BackupUpdate {
    let Told { what, done, total } = told;
    v1::BackupUpdate { update: Some(Update::Progress(v1::BackupProgress { what, done, total })) }
}
