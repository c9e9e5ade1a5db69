//! The agent's memory of the ops that it accepted and of their outcomes. An op in the ledger is never started twice.

mod compact;
mod file;
mod record;

pub use file::FileLedger;
pub(crate) use file::owner;
pub(crate) use record::Owner;
pub use record::{Accepted, LedgerError, Lookup, OpenOp};

use podlift_model::{Epoch, LedgerId, OpId, OpOutcome, RunId};

/// The ledger. When a call returns, its record is on the disk.
pub trait Ledger: Send + Sync {
    /// A random id; a different id means that the memory was lost.
    fn id(&self) -> LedgerId;
    /// The highest epoch ever accepted. `None` if the ledger is new: its agent is read-only until a coordinator claims an epoch.
    fn highest(&self) -> Option<Epoch>;
    /// Accepts `epoch` as the highest and returns true, or returns false if it may not follow the present one.
    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError>;
    fn lookup(&self, op: &OpId) -> Lookup;
    /// Records the op, before its effect.
    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError>;
    /// Records that the op's unit runs.
    fn started(&self, op: &OpId) -> Result<(), LedgerError>;
    /// Records the outcome, before it is reported.
    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError>;
    /// Ops that were accepted and have not ended, oldest first.
    fn open_ops(&self) -> Vec<OpenOp>;
    /// Runs to which ops of this ledger belonged.
    fn runs(&self) -> Vec<RunId>;
}
