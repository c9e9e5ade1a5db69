//! Requests as typed values, and their form on the wire. The coordinator checks what only it can know, for example whether a run exists.

mod command;
mod plan;

pub use command::Command;
pub use plan::{Goal, PlanQuery, RunOptions};

use podlift_model::{NodeName, RunId};
use podlift_proto::v1;

/// Where a run pauses for an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// The start approves everything.
    All,
    /// Before each phase.
    Phase,
    /// Before each phase, and before each batch of its nodes.
    Batch,
}

/// The plan that a run executes.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The coordinator plans again.
    Query(PlanQuery),
    /// Text of the document of an upgrade, as `podlift plan -o json` wrote it; the coordinator runs exactly this plan or refuses.
    Document(String),
    /// Text of the document of a repair, as `podlift repair --plan -o json` wrote it.
    Repair(String),
}

impl Start {
    /// `expect_hash`: the coordinator refuses a plan with another hash. `approval`: `None` takes the coordinator's configuration.
    pub(crate) fn to_wire(&self, expect_hash: String, approval: Option<Approval>) -> v1::StartRunRequest {
        let approve = match approval {
            None => v1::Approve::Unspecified,
            Some(Approval::All) => v1::Approve::All,
            Some(Approval::Phase) => v1::Approve::Phase,
            Some(Approval::Batch) => v1::Approve::Batch,
        } as i32;
        let (goal, plan, text) = match self {
            Self::Query(query) => (query.goal.to_wire(), Some(query.to_wire()), ""),
            Self::Document(text) => (v1::Goal::Upgrade, None, text.as_str()),
            Self::Repair(text) => (v1::Goal::Repair, None, text.as_str()),
        };
        let plan_json = text.as_bytes().to_vec();
        v1::StartRunRequest { plan, expect_hash, plan_json, approve, goal: goal as i32 }
    }
}

/// Whose records are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunScope {
    /// The newest run.
    Newest,
    /// All runs, and the records of the fleet that belong to none.
    All,
    Run(String),
}

/// Which records of the journal are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsQuery {
    pub runs: RunScope,
    /// Number of the first record.
    pub from: u64,
    /// Only this number of the last records; `None` reads all.
    pub last: Option<u32>,
    /// Whether the stream goes on with records that are yet to come.
    pub follow: bool,
}

impl EventsQuery {
    pub(crate) fn to_wire(&self) -> v1::EventsRequest {
        let run = match &self.runs {
            RunScope::Newest => String::new(),
            RunScope::All => "all".into(),
            RunScope::Run(id) => id.clone(),
        };
        v1::EventsRequest { run, from: self.from, follow: self.follow, last: self.last.unwrap_or(0) }
    }
}

/// A backup outside of any run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupQuery {
    /// The coordinator makes a name from the time where it is `None`.
    pub name: Option<RunId>,
    /// Nodes whose files are left out.
    pub without: Vec<NodeName>,
}

/// What a validation looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValidateQuery {
    /// Makes no object in the cluster; checks that need one stay open.
    pub without_probes: bool,
    /// Ids of checks, such as `dns` or `site:NAME`; all where empty.
    pub only: Vec<String>,
}

impl ValidateQuery {
    pub(crate) fn to_wire(&self) -> v1::ValidateRequest {
        v1::ValidateRequest { without_probes: self.without_probes, only: self.only.clone() }
    }
}
