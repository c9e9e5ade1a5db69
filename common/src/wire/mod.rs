//! The conversion between wire and model. Generated types stop here: `TryFrom` in, `From` out. Every refusal names field, value and
//! expectation.
//!
//! Observations travel as JSON documents, and commands as typed fields. People read facts, outputs, plans and status, and the journal
//! keeps them whole; a second typed form of each in protobuf would lose the fields that it does not know. Ops, epochs and verbs carry
//! authority, so each of their fields has a type.

mod bcm;
mod checkpoint;
mod document;
mod epoch;
mod errors;
mod fields;
mod look;
mod op;
mod outcome;
mod request;

pub use document::{from_document, from_renamed_document, to_document};
pub use epoch::{epoch_from_wire, epoch_to_wire};
pub use errors::{ErrorInfo, StatusError, Told, from_status, to_status};
pub use look::look_to_wire;
pub use op::op_to_wire;
pub use outcome::{failure_from_wire, failure_to_wire, outcome_from_wire, outcome_to_wire};
pub use request::{HostRequest, request_from_wire};

/// Metadata of every answer of a coordinator: its version.
pub const VERSION_HEADER: &str = "podlift-version";

/// A message with a missing or invalid field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {field} is not valid: {why}")]
pub struct WireError {
    pub field: &'static str,
    pub why: String,
}

impl WireError {
    pub fn new(field: &'static str, why: impl ToString) -> Self {
        Self { field, why: why.to_string() }
    }
    pub fn missing(field: &'static str) -> Self {
        Self { field, why: "it is missing; is the other side an older podlift?".into() }
    }
}
