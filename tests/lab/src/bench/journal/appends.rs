//! Appends one after another, alone and while ten readers read the whole journal again and again.

use crate::bench::stats::Samples;
use anyhow::ensure;
use jiff::Timestamp;
use podlift_coordinator::journal::{Journal, JournalError, Query, Records, SqliteJournal, each};
use podlift_engine::machine::Event;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

const READERS: usize = 10;
/// Alone and beside readers in turns, so that what else the machine does is in both.
const ROUNDS: u32 = 10;
/// The write-ahead log and the page cache are warm then.
const WARM: u32 = 200;

pub fn measure(path: &Path, appends: u32, figures: &mut Map<String, Value>) -> anyhow::Result<()> {
    let mut journal = SqliteJournal::open(path)?;
    let (mut alone, mut beside, rows) = (Samples::default(), Samples::default(), AtomicU64::new(0));
    append(&mut journal, WARM, &mut Samples::default())?;
    for _ in 0..ROUNDS {
        append(&mut journal, appends / ROUNDS, &mut alone)?;
        beside_readers(&mut journal, appends / ROUNDS, &mut beside, &rows)?;
    }
    let rows = rows.into_inner();
    ensure!(rows > 0, "nothing was read while appends were measured");
    let ratio = beside.percentile(99) as f64 / alone.percentile(99).max(1) as f64;
    for (name, value) in [
        ("append_p50_us", json!(alone.percentile(50))),
        ("append_p99_us", json!(alone.percentile(99))),
        ("append_p50_us_read", json!(beside.percentile(50))),
        ("append_p99_us_read", json!(beside.percentile(99))),
        ("append_ratio", json!((ratio * 100.0).round() / 100.0)),
        ("rows_read", json!(rows)),
    ] {
        figures.insert(name.into(), value);
    }
    Ok(())
}

fn beside_readers(
    journal: &mut SqliteJournal,
    times: u32,
    samples: &mut Samples,
    rows: &AtomicU64,
) -> Result<(), JournalError> {
    let (reader, stop) = (journal.reader(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..READERS).map(|_| scope.spawn(|| read(reader.as_ref(), &stop, rows))).collect();
        let appended = append(journal, times, samples);
        stop.store(true, Ordering::Relaxed);
        readers.into_iter().try_for_each(|r| r.join().unwrap_or(Ok(())))?;
        appended
    })
}

fn append(journal: &mut dyn Journal, times: u32, samples: &mut Samples) -> Result<(), JournalError> {
    for i in 0..times {
        let event = Event::ApiUp { endpoint: "10.77.0.11:6443".into(), milliseconds: i.into() };
        let began = Instant::now();
        journal.append(journal.head(), Timestamp::UNIX_EPOCH, None, None, event)?;
        samples.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(())
}

/// From the first record to the last, again and again.
fn read(reader: &dyn Records, stop: &AtomicBool, rows: &AtomicU64) -> Result<(), JournalError> {
    while !stop.load(Ordering::Relaxed) {
        let passed = each(reader, Query::from(0), |_| match stop.load(Ordering::Relaxed) {
            true => Err(Stopped(None)),
            false => {
                rows.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        });
        if let Err(Stopped(Some(error))) = passed {
            return Err(error);
        }
    }
    Ok(())
}

/// The measurement is over, or the journal can't be read.
struct Stopped(Option<JournalError>);

impl From<JournalError> for Stopped {
    fn from(error: JournalError) -> Self {
        Self(Some(error))
    }
}
