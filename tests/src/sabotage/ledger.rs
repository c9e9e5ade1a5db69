//! Memories that do not keep their word.

use podlift_agent::ledger::{Accepted, Ledger, LedgerError, Lookup, OpenOp};
use podlift_model::{Epoch, LedgerId, OpId, OpOutcome, RunId};
use std::sync::Arc;

/// Knows no op.
pub struct Forgetful(pub Arc<dyn Ledger>);

/// Accepts every epoch.
pub struct Unfenced(pub Arc<dyn Ledger>);

impl Ledger for Forgetful {
    fn id(&self) -> LedgerId {
        self.0.id()
    }
    fn highest(&self) -> Option<Epoch> {
        self.0.highest()
    }
    fn claim(&self, epoch: &Epoch) -> Result<bool, LedgerError> {
        self.0.claim(epoch)
    }
    fn lookup(&self, _op: &OpId) -> Lookup {
        Lookup::Unknown
    }
    fn accept(&self, _op: &OpId, _accepted: &Accepted) -> Result<(), LedgerError> {
        Ok(())
    }
    fn started(&self, _op: &OpId) -> Result<(), LedgerError> {
        Ok(())
    }
    fn ended(&self, _op: &OpId, _outcome: &OpOutcome) -> Result<(), LedgerError> {
        Ok(())
    }
    fn open_ops(&self) -> Vec<OpenOp> {
        vec![]
    }
    fn runs(&self) -> Vec<RunId> {
        vec![]
    }
}

impl Ledger for Unfenced {
    fn id(&self) -> LedgerId {
        self.0.id()
    }
    /// Lower than anything that may come.
    fn highest(&self) -> Option<Epoch> {
        Some(crate::direct::epoch(0, "none"))
    }
    fn claim(&self, _epoch: &Epoch) -> Result<bool, LedgerError> {
        Ok(true)
    }
    fn lookup(&self, op: &OpId) -> Lookup {
        self.0.lookup(op)
    }
    fn accept(&self, op: &OpId, accepted: &Accepted) -> Result<(), LedgerError> {
        self.0.accept(op, accepted)
    }
    fn started(&self, op: &OpId) -> Result<(), LedgerError> {
        self.0.started(op)
    }
    fn ended(&self, op: &OpId, outcome: &OpOutcome) -> Result<(), LedgerError> {
        self.0.ended(op, outcome)
    }
    fn open_ops(&self) -> Vec<OpenOp> {
        self.0.open_ops()
    }
    fn runs(&self) -> Vec<RunId> {
        self.0.runs()
    }
}
