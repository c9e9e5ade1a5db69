//! Types of the ledger, and the format of one line of its file. Pure.

use jiff::Timestamp;
use podlift_model::{BootId, Digest, Epoch, HostOp, LedgerId, NodeName, OpId, OpOutcome, RunId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    Unknown,
    Running,
    Ended(OpOutcome),
}

/// An op as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub op: HostOp,
    pub epoch: Epoch,
    pub boot: BootId,
    pub at: Timestamp,
    pub since_boot: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OpenOp {
    pub op_id: OpId,
    pub accepted: Accepted,
    /// The agent saw its unit start.
    pub started: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the ledger {path} can't be used: {source}; free space on its filesystem or mend its permissions", path = path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("the ledger {path} is damaged at line {line} ({why}); move it away and start the agent again: it will say that it has forgotten, and the coordinator will ask before anything goes on", path = path.display())]
    Damaged { path: PathBuf, line: usize, why: String },
    #[error("the ledger {path} has the format {format}, of a newer podlift; install that version of podlift-agent again: this one can't know what was accepted", path = path.display())]
    Newer { path: PathBuf, format: String },
    #[error("the ledger {path} belongs to {what} {theirs}, this is {ours}: a cloned disk? Remove {path} if this machine is new, and it starts with an empty memory", path = path.display())]
    Foreign { path: PathBuf, what: &'static str, theirs: String, ours: String },
}

impl LedgerError {
    /// The reason as a metric label.
    pub(crate) fn why(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ledger",
            Self::Damaged { .. } => "ledger-damaged",
            Self::Newer { .. } => "ledger-newer",
            Self::Foreign { what, .. } => what,
        }
    }
}

/// First line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub format: String,
    pub ledger: LedgerId,
    pub node: NodeName,
    pub machine: String,
    /// Fields that a newer podlift added; they are kept.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// The node and machine to which a ledger belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub node: NodeName,
    pub machine: String,
}

pub(super) use podlift_model::documents::LEDGER as FORMAT;
/// The common prefix of all versions' format names.
pub(super) const FAMILY: &str = "podlift.ledger/v";

/// Every further line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub seq: u64,
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(super) enum Event {
    Epoch { epoch: Epoch },
    Accepted { op_id: OpId, accepted: Accepted },
    Started { op_id: OpId },
    Ended { op_id: OpId, outcome: OpOutcome },
}

impl Accepted {
    /// The run to which the op belongs; `None` if the op names none.
    pub fn run(&self) -> Option<&RunId> {
        match &self.op {
            HostOp::EtcdSnapshot { run }
            | HostOp::ManifestBackup { run }
            | HostOp::GuardArm { run, .. }
            | HostOp::GuardDisarm { run } => Some(run),
            _ => None,
        }
    }
}

/// A line behind the header, as far as this version can read it.
#[derive(Debug)]
pub(super) enum Record {
    Known(Box<Line>),
    /// A valid record of a newer podlift: an event, an op or an outcome that this version does not know.
    Newer(Outline),
}

/// The fields that every version's record has.
#[derive(Debug, Deserialize)]
pub(super) struct Outline {
    pub seq: u64,
    /// The op that the record concerns.
    #[serde(default)]
    pub op_id: Option<OpId>,
}

/// `CHECKSUM JSON\n`; the checksum is the first sixteen digits of the JSON's SHA-256.
pub(super) fn write_line<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_string(value)?;
    Ok(format!("{} {json}\n", &Digest::of(&json).as_str()[..16]).into_bytes())
}

pub(super) fn read_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_str(checked(line)?).map_err(|e| e.to_string())
}

/// A record with a right checksum was written exactly so. If this version does not understand it, a newer podlift wrote it.
pub(super) fn read_record(line: &[u8]) -> Result<Record, String> {
    let json = checked(line)?;
    match serde_json::from_str::<Line>(json) {
        Ok(line) => Ok(Record::Known(Box::new(line))),
        Err(e) => serde_json::from_str(json).map(Record::Newer).map_err(|_| e.to_string()),
    }
}

fn checked(line: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not text".to_string())?;
    let (sum, json) = text.split_once(' ').ok_or("it has no checksum")?;
    if Digest::of(json).as_str()[..16] != *sum {
        return Err("its checksum does not fit".into());
    }
    Ok(json)
}
