//! Requests as typed values, and their form on the wire. The coordinator checks what only it can know, for example whether a run exists.

use jiff::Timestamp;
use podlift_model::op::Component;
use podlift_model::{Digest, KubeVersion, NodeName, RunId, StepId};
use podlift_proto::v1::{self, command_request::Verb};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Upgrade {
        to: KubeVersion,
    },
    /// Of what a heal, a comparison or a failed run left, at the version that runs.
    Repair,
}

impl Goal {
    fn to_wire(self) -> v1::Goal {
        match self {
            Goal::Upgrade { .. } => v1::Goal::Upgrade,
            Goal::Repair => v1::Goal::Repair,
        }
    }
}

/// What to plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanQuery {
    pub goal: Goal,
    /// Workers that may be unavailable at once; `None` takes the coordinator's configuration.
    pub max_unavailable: Option<u32>,
    /// Checks that are set aside, each with the reason that the report shows.
    pub waivers: Vec<(String, String)>,
    /// Only these nodes; all where empty.
    pub nodes: Vec<NodeName>,
}

impl PlanQuery {
    pub(crate) fn to_wire(&self) -> v1::PlanRequest {
        let waiver =
            |(check, reason): &(String, String)| v1::Waiver { check: check.clone(), reason: reason.clone() };
        v1::PlanRequest {
            to: match self.goal {
                Goal::Upgrade { to } => to.to_string(),
                Goal::Repair => String::new(),
            },
            max_unavailable: self.max_unavailable.unwrap_or(0),
            waivers: self.waivers.iter().map(waiver).collect(),
            nodes: self.nodes.iter().map(ToString::to_string).collect(),
            goal: self.goal.to_wire() as i32,
            ..v1::PlanRequest::default()
        }
    }
}

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

/// A command to the coordinator. `run` is the open run where it is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Pause {
        run: Option<String>,
        reason: String,
    },
    Resume {
        run: Option<String>,
    },
    Retry {
        run: Option<String>,
        step: Option<StepId>,
        repair_dpkg: bool,
    },
    Abort {
        run: Option<String>,
        reason: String,
    },
    Defer {
        run: Option<String>,
        node: NodeName,
        reason: String,
    },
    /// Takes a deferred node into the run again.
    Include {
        run: Option<String>,
        node: NodeName,
    },
    Approve {
        run: Option<String>,
    },
    Unwaive {
        run: Option<String>,
        check: String,
    },
    Attest {
        name: String,
        note: String,
    },
    Takeover,
    Adopt,
    HealAccept {
        node: NodeName,
        component: Component,
        sha256: Option<Digest>,
    },
    HealApply {
        node: NodeName,
        component: Component,
    },
    /// Moves runs that ended before this time into a file.
    Archive {
        before: Timestamp,
    },
    /// Reads every byte of a file of archived runs; of all files where it is `None`.
    VerifyArchive {
        file: Option<String>,
    },
}

impl Command {
    pub(crate) fn to_wire(&self) -> v1::CommandRequest {
        let of = |verb: Verb, run: &Option<String>| v1::CommandRequest {
            verb: verb as i32,
            run: run.clone().unwrap_or_default(),
            ..v1::CommandRequest::default()
        };
        let of_node = |verb: Verb, node: &NodeName, component: Component| v1::CommandRequest {
            target: node.to_string(),
            component: component.to_string(),
            ..of(verb, &None)
        };
        match self {
            Self::Pause { run, reason } => {
                v1::CommandRequest { reason: reason.clone(), ..of(Verb::Pause, run) }
            }
            Self::Resume { run } => of(Verb::Resume, run),
            Self::Retry { run, step, repair_dpkg } => {
                let target = step.as_ref().map(ToString::to_string).unwrap_or_default();
                v1::CommandRequest { target, repair_dpkg: *repair_dpkg, ..of(Verb::Retry, run) }
            }
            Self::Abort { run, reason } => {
                v1::CommandRequest { reason: reason.clone(), ..of(Verb::Abort, run) }
            }
            Self::Defer { run, node, reason } => {
                let (target, reason) = (node.to_string(), reason.clone());
                v1::CommandRequest { target, reason, ..of(Verb::Defer, run) }
            }
            Self::Include { run, node } => {
                v1::CommandRequest { target: node.to_string(), ..of(Verb::Include, run) }
            }
            Self::Approve { run } => of(Verb::Approve, run),
            Self::Unwaive { run, check } => {
                v1::CommandRequest { target: check.clone(), ..of(Verb::Unwaive, run) }
            }
            Self::Attest { name, note } => {
                v1::CommandRequest { target: name.clone(), reason: note.clone(), ..of(Verb::Attest, &None) }
            }
            Self::Takeover => of(Verb::Takeover, &None),
            Self::Adopt => of(Verb::Adopt, &None),
            Self::HealAccept { node, component, sha256 } => {
                let sha256 = sha256.as_ref().map(ToString::to_string).unwrap_or_default();
                v1::CommandRequest { sha256, ..of_node(Verb::HealAccept, node, *component) }
            }
            Self::HealApply { node, component } => of_node(Verb::HealApply, node, *component),
            Self::Archive { before } => {
                v1::CommandRequest { target: before.to_string(), ..of(Verb::Archive, &None) }
            }
            Self::VerifyArchive { file } => {
                let target = file.clone().unwrap_or_default();
                v1::CommandRequest { target, ..of(Verb::VerifyArchive, &None) }
            }
        }
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
