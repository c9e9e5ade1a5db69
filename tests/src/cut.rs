//! The moment at which a part dies: counted in what is written down, because that is what survives. A part that was cut does nothing
//! any more, whatever its tasks still try until they are dropped.

mod journal;
mod ledger;

pub use journal::CutJournal;
pub use ledger::CutLedger;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// On which side of a write the cut falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What was about to be written is not.
    Before,
    /// It is written, and nothing that should follow happens.
    After,
}

/// Sees the number of each write right after it.
struct Sees(Box<dyn FnMut(u64) + Send>);

impl fmt::Debug for Sees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sees")
    }
}

/// Counts writes and dies at one of them.
#[derive(Debug, Default)]
pub struct Cut {
    /// Number of the write, from 1; 0: never.
    at: u64,
    after: bool,
    sees: Mutex<Option<Sees>>,
    seen: AtomicU64,
    dead: AtomicBool,
    fell: Notify,
}

impl Cut {
    pub fn never() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn at(number: u64, side: Side) -> Arc<Self> {
        Arc::new(Self { at: number, after: side == Side::After, ..Self::default() })
    }

    /// Nothing dies: this happens after each write with its number, before anything follows from it.
    pub fn seen_by(sees: impl FnMut(u64) + Send + 'static) -> Arc<Self> {
        Arc::new(Self { sees: Mutex::new(Some(Sees(Box::new(sees)))), ..Self::default() })
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Writes so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }

    /// Another part was cut, and this one dies with it.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.fell.notify_one();
    }

    pub async fn fell(&self) {
        if !self.is_dead() {
            self.fell.notified().await;
        }
    }

    /// Does the write, or does not, or does it and dies. None: dead.
    fn write<T>(&self, write: impl FnOnce() -> T) -> Option<T> {
        if self.is_dead() {
            return None;
        }
        let mine = self.seen.fetch_add(1, Ordering::SeqCst) + 1;
        if mine != self.at {
            let written = write();
            if let Some(Sees(sees)) = &mut *self.sees.lock().unwrap_or_else(PoisonError::into_inner) {
                sees(mine);
            }
            return Some(written);
        }
        if self.after {
            write();
        }
        self.kill();
        None
    }
}
