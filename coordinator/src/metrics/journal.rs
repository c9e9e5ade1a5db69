//! The journal's size, and the duration of an append. Every step waits for two appends.

use crate::journal::{Journal, JournalError, Records};
use crate::store::Store;
use jiff::Timestamp;
use podlift_common::metrics::Out;
use podlift_engine::machine::{Event, Record};
use podlift_model::{Epoch, RunId};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Size {
    pub store: Arc<Store>,
    pub file: Option<PathBuf>,
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Size({:?})", self.file)
    }
}

impl Collector for Size {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        out.gauge("journal_records", "Records of the journal", None, self.store.head() as f64)?;
        let bytes = self.file.as_ref().map(|f| (vec![], size(f) as f64));
        let help = "Size of the journal's file and its write-ahead log";
        out.gauges("journal_size", help, Some(Unit::Bytes), bytes)
    }
}

fn size(file: &std::path::Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file.into(), PathBuf::from(log)].iter().filter_map(|f| std::fs::metadata(f).ok()).map(|m| m.len()).sum()
}

/// A journal whose appends are timed.
pub struct Metered<J> {
    inner: J,
    seconds: Histogram,
}

impl<J: Journal> Metered<J> {
    pub fn new(inner: J, meters: &crate::meters::Meters) -> Self {
        Self { inner, seconds: meters.append.clone() }
    }
}

impl<J: Journal> Journal for Metered<J> {
    fn append(
        &mut self,
        expected_seq: u64,
        at: Timestamp,
        run: Option<RunId>,
        epoch: Option<Epoch>,
        event: Event,
    ) -> Result<Record, JournalError> {
        let began = Instant::now();
        let appended = self.inner.append(expected_seq, at, run, epoch, event);
        self.seconds.observe(began.elapsed().as_secs_f64());
        appended
    }

    fn head(&self) -> u64 {
        self.inner.head()
    }

    fn reader(&self) -> Arc<dyn Records> {
        self.inner.reader()
    }

    fn empty(&mut self, run: &RunId, most: usize) -> Result<usize, JournalError> {
        self.inner.empty(run, most)
    }

    fn compact(&mut self) -> Result<(), JournalError> {
        self.inner.compact()
    }
}
