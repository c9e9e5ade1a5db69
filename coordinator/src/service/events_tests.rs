//! A stream without a reader costs one page. A stream that is read has every record once and in order.

use super::*;
use crate::journal::{Journal, MemoryJournal, PAGE};
use podlift_common::clock::SystemClock;
use podlift_engine::machine::Event;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_stream::StreamExt as _;

/// Counts the pages that are read.
#[derive(Clone)]
struct Counted(MemoryJournal, Arc<AtomicUsize>);

impl Records for Counted {
    fn page(&self, query: &Query) -> Result<Vec<Row>, JournalError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.page(query)
    }
    fn count(&self, query: &Query) -> Result<u64, JournalError> {
        self.0.count(query)
    }
}

impl Journal for Counted {
    fn append(
        &mut self,
        seq: u64,
        at: jiff::Timestamp,
        run: Option<podlift_model::RunId>,
        epoch: Option<podlift_model::Epoch>,
        event: Event,
    ) -> Result<podlift_engine::machine::Record, JournalError> {
        self.0.append(seq, at, run, epoch, event)
    }
    fn head(&self) -> u64 {
        self.0.head()
    }
    fn reader(&self) -> Arc<dyn Records> {
        Arc::new(self.clone())
    }
    fn empty(&mut self, run: &podlift_model::RunId, most: usize) -> Result<usize, JournalError> {
        self.0.empty(run, most)
    }
    fn compact(&mut self) -> Result<(), JournalError> {
        self.0.compact()
    }
}

fn append(store: &Store, n: u64) {
    let event = Event::ApiUp { endpoint: "10.77.0.11:6443".into(), milliseconds: n };
    store.append(None, event).unwrap();
}

fn store(records: u64) -> (Arc<Store>, Arc<AtomicUsize>) {
    let pages = Arc::new(AtomicUsize::new(0));
    let journal = Counted(MemoryJournal::new(), pages.clone());
    let store = Store::open(Box::new(journal), Arc::new(SystemClock)).unwrap();
    (0..records).for_each(|n| append(&store, n));
    pages.store(0, Ordering::SeqCst);
    (store, pages)
}

fn seq(sent: Sent) -> u64 {
    serde_json::from_str::<serde_json::Value>(&sent.unwrap().json).unwrap()["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn a_caller_who_reads_nothing_costs_one_page() {
    let records = 20 * PAGE as u64;
    let (store, pages) = store(records);
    let mut stream = stream(store.clone(), Query::from(0), &EventsRequest::default()).into_inner();
    assert_eq!(seq(stream.next().await.unwrap()), 1);
    // Appends continue whatever the caller does.
    append(&store, 1);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pages.load(Ordering::SeqCst), 1);
    let mut expected = 2;
    while let Some(sent) = stream.next().await {
        assert_eq!(seq(sent), expected);
        expected += 1;
    }
    assert_eq!(expected, records + 2, "the record of the meantime is there too");
}

#[tokio::test]
async fn the_last_ones_and_then_what_follows() {
    let (store, pages) = store(10 * PAGE as u64);
    let ask = EventsRequest { last: 2, follow: true, ..EventsRequest::default() };
    let mut stream = stream(store.clone(), Query::from(0), &ask).into_inner();
    assert_eq!(seq(stream.next().await.unwrap()), 10 * PAGE as u64 - 1);
    assert_eq!(seq(stream.next().await.unwrap()), 10 * PAGE as u64);
    append(&store, 7);
    assert_eq!(seq(stream.next().await.unwrap()), 10 * PAGE as u64 + 1);
    assert!(pages.load(Ordering::SeqCst) < 6, "the run is not read for its last records");
}
