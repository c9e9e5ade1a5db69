//! Commands to the coordinator.

use jiff::Timestamp;
use podlift_engine::program::Item;
use podlift_model::op::{Component, DeviceOverride};
use podlift_model::{Digest, NodeName, StepId};
use podlift_proto::v1::{self, command_request::Verb};

/// A command to the coordinator. `run` is the open run where it is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Pause {
        run: Option<String>,
        reason: String,
        /// Also stops lanes that have begun, and drains.
        now: bool,
    },
    Resume {
        run: Option<String>,
    },
    Retry {
        run: Option<String>,
        step: Option<StepId>,
        repair_dpkg: bool,
        /// The node whose packages and kubelet may be changed although its devices are in use.
        devices: Option<DeviceOverride>,
    },
    Abort {
        run: Option<String>,
        reason: String,
    },
    Defer {
        run: Option<String>,
        node: NodeName,
        reason: String,
        /// Later runs leave the node out, too, until this time; `None` for this run alone.
        until: Option<Timestamp>,
    },
    /// Takes a deferred node into the run again.
    Include {
        run: Option<String>,
        node: NodeName,
    },
    /// Approves what the run waits for.
    Approve {
        run: Option<String>,
    },
    /// Decides about one item by its name.
    Decide {
        run: Option<String>,
        item: Item,
        /// Why it is not to be done; `None` approves it.
        refused: Option<String>,
    },
    /// Writes the findings of a person into the report of a run; of the newest where `run` is `None`.
    Note {
        run: Option<String>,
        text: String,
    },
    /// Uncordons a node that an ended run left cordoned.
    NodeRelease {
        node: NodeName,
        /// Also if the node is not whole; needs a reason.
        force: bool,
        reason: String,
    },
    /// The node leaves the run for good.
    NodeLost {
        run: Option<String>,
        node: NodeName,
    },
    /// Gives an option of the open run another value.
    Set {
        run: Option<String>,
        name: &'static str,
        value: String,
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
            Self::Pause { run, reason, now } => {
                v1::CommandRequest { reason: reason.clone(), now: *now, ..of(Verb::Pause, run) }
            }
            Self::Resume { run } => of(Verb::Resume, run),
            Self::Retry { run, step, repair_dpkg, devices } => {
                let target = step.as_ref().map(ToString::to_string).unwrap_or_default();
                let (override_devices, reason) = match devices {
                    Some(over) => (over.node.to_string(), over.reason.clone()),
                    None => Default::default(),
                };
                let repair_dpkg = *repair_dpkg;
                v1::CommandRequest { target, repair_dpkg, override_devices, reason, ..of(Verb::Retry, run) }
            }
            Self::Abort { run, reason } => {
                v1::CommandRequest { reason: reason.clone(), ..of(Verb::Abort, run) }
            }
            Self::Defer { run, node, reason, until } => {
                let (target, reason) = (node.to_string(), reason.clone());
                let until = until.map(|at| at.to_string()).unwrap_or_default();
                v1::CommandRequest { target, reason, until, ..of(Verb::Defer, run) }
            }
            Self::Include { run, node } => {
                v1::CommandRequest { target: node.to_string(), ..of(Verb::Include, run) }
            }
            Self::Approve { run } => of(Verb::Approve, run),
            Self::Decide { run, item, refused } => v1::CommandRequest {
                item: item.name().into(),
                refuse: refused.is_some(),
                reason: refused.clone().unwrap_or_default(),
                ..of(Verb::Approve, run)
            },
            Self::Note { run, text } => v1::CommandRequest { reason: text.clone(), ..of(Verb::Note, run) },
            Self::NodeRelease { node, force, reason } => {
                let (target, reason) = (node.to_string(), reason.clone());
                v1::CommandRequest { target, reason, force: *force, ..of(Verb::NodeRelease, &None) }
            }
            Self::NodeLost { run, node } => {
                v1::CommandRequest { target: node.to_string(), ..of(Verb::NodeLost, run) }
            }
            Self::Set { run, name, value } => {
                let (target, value) = ((*name).to_string(), value.clone());
                v1::CommandRequest { target, value, ..of(Verb::Set, run) }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_about_an_item_names_it_and_a_refusal_has_its_reason() {
        for item in Item::ALL {
            let yes = Command::Decide { run: None, item, refused: None }.to_wire();
            assert_eq!((yes.verb(), yes.item.as_str(), yes.refuse), (Verb::Approve, item.name(), false));
            let refused = Some("the network team decides".to_string());
            let no = Command::Decide { run: Some("r1".into()), item, refused }.to_wire();
            assert_eq!(
                (no.run.as_str(), no.refuse, no.reason.as_str()),
                ("r1", true, "the network team decides")
            );
        }
        let plain = Command::Approve { run: None }.to_wire();
        assert!(plain.item.is_empty() && !plain.refuse);
        let note = Command::Note { run: None, text: "dgx031 has a loose cable".into() }.to_wire();
        assert_eq!((note.verb(), note.reason.as_str()), (Verb::Note, "dgx031 has a loose cable"));
    }
}
