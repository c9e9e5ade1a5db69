//! The run as a state machine: an event and a state give the next state or a typed refusal. A resumed run is the fold of its journal.

mod accepted;
mod admission;
mod again;
mod apply;
mod approval;
mod archive;
mod archived_run;
mod attested;
mod batch;
mod budget;
mod chain;
mod choose;
mod event;
mod event_name;
mod illegal;
mod item;
mod learned;
mod leave;
mod lengths;
mod lost;
mod next;
mod probed;
mod returning;
mod scene;
mod set_option;
mod start;
mod state;
mod step;
mod track;
mod windows;
mod words;

pub use accepted::Accepted;
pub use admission::batch_due;
pub use apply::{advance, apply, fold};
pub use approval::CODE as APPROVAL;
pub use archive::{ARCHIVE_SCHEMA, ArchiveCheck, ArchiveError, ArchiveHeader, RunDigest, RunDigests};
pub use archived_run::ArchivedRun;
pub use attested::Attested;
pub use batch::{BatchJob, BatchWait, ChosenBatch};
pub use chain::{Chain, ChainError, EVENT_SCHEMA, Record, genesis, seal, verify};
pub use choose::choose;
pub use event::Event;
pub use illegal::IllegalEvent;
pub use learned::longest;
pub use lengths::{EXPECTED_SECONDS, LaneTime, lengths, quantile};
pub use lost::LostObject;
pub use next::{Next, Todo, next};
pub use probed::{ProbeKind, Probed};
pub use set_option::MAX_UNAVAILABLE;
pub use state::{Approval, Aside, Healed, Lifted, Outage, Overridden, RunState, RunStatus, Seal};
pub use step::{StepState, StepStatus};
pub use track::Steps;
pub(crate) use windows::Lanes;
pub use words::{Decision, Note};

#[cfg(test)]
mod batch_tests;
#[cfg(test)]
mod budget_tests;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
mod item_tests;
#[cfg(test)]
mod lane_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
