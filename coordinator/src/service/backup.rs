//! Work on backups as a stream: its progress, then the document. The work continues if the client disconnects.

use crate::backup::{OnProgress, Progress};
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

/// Messages that wait for the client; further progress is dropped.
const WAITING: usize = 64;

type Said = Result<v1::BackupUpdate, Status>;

pub(super) fn streamed<F>(work: impl FnOnce(OnProgress) -> F) -> Response<ReceiverStream<Said>>
where
    F: Future<Output = Result<BackupCheck, CoordinatorError>> + Send + 'static,
{
    let (send, receive) = mpsc::channel(WAITING);
    let progress = send.clone();
    let work = work(Arc::new(move |p| drop(progress.try_send(Ok(update(p))))));
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

fn update(progress: Progress) -> v1::BackupUpdate {
    let Progress { what, done, total } = progress;
    v1::BackupUpdate { update: Some(Update::Progress(v1::BackupProgress { what, done, total })) }
}
