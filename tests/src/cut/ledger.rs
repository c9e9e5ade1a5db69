//! A ledger whose agent dies at a line.

use super::Cut;
use podlift_agent::ledger::{Accepted, Ledger, LedgerError, Lookup, OpenOp};
use podlift_model::{Epoch, LedgerId, OpId, OpOutcome, RunId};
use std::io;
use std::sync::Arc;

pub struct CutLedger {
    pub inner: Arc<dyn Ledger>,
    pub cut: Arc<Cut>,
}

fn dead() -> LedgerError {
    LedgerError::Io { path: "ledger".into(), source: io::Error::other("the agent is dead") }
}

impl CutLedger {
    fn write<T>(&self, write: impl FnOnce() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        self.cut.write(write).unwrap_or_else(|| Err(dead()))
    }
}

impl Ledger for CutLedger {
    fn id(&self) -> LedgerId {
        self.inner.id()
    }
    fn highest(&self) -> Option<Epoch> {
        self.inner.highest()
    }
    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError> {
        self.write(|| self.inner.claim(epoch))
    }
    fn lookup(&self, op: &OpId) -> Lookup {
        self.inner.lookup(op)
    }
    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError> {
        self.write(|| self.inner.accept(op, accepted))
    }
    fn started(&self, op: &OpId) -> Result<(), LedgerError> {
        self.write(|| self.inner.started(op))
    }
    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError> {
        self.write(|| self.inner.ended(op, outcome))
    }
    fn open_ops(&self) -> Vec<OpenOp> {
        self.inner.open_ops()
    }
    fn runs(&self) -> Vec<RunId> {
        self.inner.runs()
    }
}
