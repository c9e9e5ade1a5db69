//! The agent's memory of what it was asked to do and how that ended. An op that is in it is never started twice.

mod compact;
mod file;
mod record;

pub use file::FileLedger;
pub(crate) use file::owner;
pub(crate) use record::Owner;
pub use record::{Accepted, LedgerError, Lookup, OpenOp};

use podlift_model::{Epoch, LedgerId, OpId, OpOutcome, RunId};

/// What a call returned from is on the disk.
pub trait Ledger: Send + Sync {
    /// Random; another id means that the memory was lost.
    fn id(&self) -> LedgerId;
    /// The highest epoch ever accepted. None: the ledger is new, and its agent is read-only until it is told one.
    fn highest(&self) -> Option<Epoch>;
    /// Accepts `epoch` as the highest if it may follow; false: it may not.
    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError>;
    fn lookup(&self, op: &OpId) -> Lookup;
    /// Before the effect.
    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError>;
    /// The op's unit runs.
    fn started(&self, op: &OpId) -> Result<(), LedgerError>;
    /// Before the outcome is told to anybody.
    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError>;
    /// Accepted and not ended, oldest first.
    fn open_ops(&self) -> Vec<OpenOp>;
    /// Runs that ops of this ledger belonged to.
    fn runs(&self) -> Vec<RunId>;
}
