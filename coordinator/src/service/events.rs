//! Records of the journal as a stream. A page is read after the caller has taken the previous one. A slow caller therefore costs one page
//! and `WAITING` documents, whatever the journal's length, and delays no other caller.

use crate::core::CoordinatorError;
use crate::journal::{JournalError, Query, Records, Row};
use crate::store::Store;
use podlift_common::wire::to_status;
use podlift_engine::machine::EVENT_SCHEMA;
use podlift_proto::v1::{Document, EventsRequest};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

/// Documents that are sent and not yet taken.
const WAITING: usize = 16;

type Sent = Result<Document, Status>;

/// Ends after the last record, or, if it follows, when the caller disconnects.
pub(super) fn stream(store: Arc<Store>, query: Query, ask: &EventsRequest) -> Response<ReceiverStream<Sent>> {
    let (send, receive) = mpsc::channel(WAITING);
    let (last, follow) = (ask.last as usize, ask.follow);
    tokio::spawn(async move { drop(pass_on(&store, query, last, follow, &send).await) });
    Response::new(ReceiverStream::new(receive))
}

async fn pass_on(
    store: &Store,
    mut query: Query,
    last: usize,
    follow: bool,
    send: &mpsc::Sender<Sent>,
) -> Result<(), mpsc::error::SendError<Sent>> {
    let mut journal = store.subscribe();
    if last > 0 {
        match first_of_last(store.reader(), &query, last).await {
            Ok(first) => query.from = first,
            Err(error) => return send.send(Err(error)).await,
        }
    }
    loop {
        journal.mark_unchanged();
        let rows = match page(store.reader().clone(), query.clone()).await {
            Ok(rows) => rows,
            Err(error) => return send.send(Err(error)).await,
        };
        let Some(last) = rows.last() else {
            if !follow {
                return Ok(());
            }
            tokio::select! {
                () = send.closed() => return Ok(()),
                changed = journal.changed() => if changed.is_err() { return Ok(()) },
            }
            continue;
        };
        query.from = last.seq + 1;
        for row in rows {
            // The text is sent as stored.
            send.send(Ok(Document { kind: EVENT_SCHEMA.into(), json: row.json })).await?;
        }
    }
}

/// Number of the first of the last `wanted` records.
async fn first_of_last(records: &Arc<dyn Records>, query: &Query, wanted: usize) -> Result<u64, Status> {
    let (mut left, mut before) = (wanted, None);
    while left > 0 {
        let rows = page(records.clone(), Query { before, ..query.clone().last(left) }).await?;
        let Some(oldest) = rows.last() else { break };
        (left, before) = (left.saturating_sub(rows.len()), Some(oldest.seq));
    }
    Ok(before.unwrap_or(query.from))
}

/// Reads a page on a thread that may wait for the disk.
async fn page(records: Arc<dyn Records>, query: Query) -> Result<Vec<Row>, Status> {
    let failed = |e: JournalError| to_status(&CoordinatorError::from(e));
    let read = tokio::task::spawn_blocking(move || records.page(&query)).await;
    read.map_err(|e| Status::internal(e.to_string()))?.map_err(failed)
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
