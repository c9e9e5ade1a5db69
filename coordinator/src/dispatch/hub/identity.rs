//! One identity belongs to one machine. A disk copy also copies a certificate and a node's name; the machine id and the boot id distinguish
//! two machines. The hub refuses a second machine that lives, and keeps the first one.
//!
//! The rules apply in this order:
//! 1. An agent that reports no machine id (an older podlift) is accepted, with a note in the log.
//! 2. While a session of that name lives (it was heard within three heartbeats), the same machine and boot replaces it. The same machine
//!    with another boot, or another machine, counts as a second one and is refused. A restarted machine is no longer heard in its old
//!    session, so it waits at most those three heartbeats.
//! 3. The machine and boot that were connected last are accepted without a question to the cluster.
//! 4. Otherwise the Node object decides. If its kubelet reports the same machine or the same boot, the machine is accepted. If another
//!    machine is Ready with a fresh lease, that machine lives and this one is refused. If the other one is not, this machine was
//!    re-imaged and is accepted.
//! 5. If the cluster does not answer, the machine that was connected last is accepted, and so is any machine if none was. Another one is
//!    refused only while the last one was heard within ten minutes, so that an unreachable API does not block a node for ever.
//!
//! This module does not decide what a node may report; see `roles`.

use crate::dispatch::limits::quoted;
use crate::dispatch::registry::Registered;
use jiff::Timestamp;
use podlift_common::wire::{ErrorInfo, StatusError};
use podlift_model::NodeName;
use std::time::Duration;
use tonic::Code;

/// A machine that was silent for this long counts as gone if the cluster cannot tell.
const SILENT: Duration = Duration::from_secs(600);

/// The machine that an agent reports to run on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// Empty if the agent does not report it.
    pub id: String,
    pub boot: String,
}

/// The machine that was heard last under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub machine: Machine,
    pub at: Timestamp,
    /// It has a session, and was heard in that session within three heartbeats.
    pub alive: bool,
}

/// Two machines under one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("machine {new} reports itself as node {node}, and machine {first} is that node")]
pub(super) struct Twin {
    pub node: NodeName,
    pub new: String,
    pub first: String,
    /// How the hub knows that the first machine lives.
    pub known: String,
}

impl StatusError for Twin {
    fn info(&self) -> ErrorInfo {
        let why = format!(
            "{}. Two machines have the same certificate: a disk or an image was cloned with /etc/podlift and /var/lib/podlift on it. On the machine that is not {}: stop podlift-agent, remove /etc/podlift/tls and /var/lib/podlift, make /etc/machine-id anew (systemd-machine-id-setup), and give it its own certificate. If this is the one that shall stay: stop podlift-agent and kubelet on the other",
            self.known, self.node
        );
        let next = format!("podlift status {}", self.node);
        ErrorInfo {
            code: Code::AlreadyExists,
            reason: "SECOND_MACHINE",
            message: self.to_string(),
            why,
            next,
        }
    }
}

/// The decision that is possible without asking the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First {
    Welcome,
    Refused(Twin),
    /// The Node object decides.
    Ask,
}

impl Machine {
    fn text(&self) -> String {
        let part = |text: &str| if text.is_empty() { "unknown".into() } else { quoted(text) };
        format!("{} (boot {})", part(&self.id), part(&self.boot))
    }
}

/// Applies rules 1 to 3.
pub(super) fn before_asking(node: &NodeName, new: &Machine, last: Option<&Heard>) -> First {
    if new.id.is_empty() {
        return First::Welcome;
    }
    let Some(last) = last else { return First::Ask };
    if last.machine == *new {
        return First::Welcome;
    }
    match last.alive && !last.machine.id.is_empty() {
        true => First::Refused(twin(node, new, &last.machine, "it is connected now".into())),
        false => First::Ask,
    }
}

/// Applies rules 4 and 5.
pub(super) fn as_registered(
    node: &NodeName,
    new: &Machine,
    last: Option<&Heard>,
    registered: &Registered,
    now: Timestamp,
) -> Result<(), Twin> {
    match registered {
        Registered::Nobody => Ok(()),
        Registered::As(kubelet) => {
            let same = kubelet.machine == new.id || (!new.boot.is_empty() && kubelet.boot == new.boot);
            if same || !kubelet.alive || kubelet.machine.is_empty() {
                return Ok(());
            }
            let first = Machine { id: kubelet.machine.clone(), boot: kubelet.boot.clone() };
            let known = format!("its kubelet at {} is Ready with that machine id", quoted(&kubelet.address));
            Err(twin(node, new, &first, known))
        }
        Registered::Unknown(why) => {
            let other = last.filter(|l| l.machine.id != new.id && !l.machine.id.is_empty());
            let Some(other) = other.filter(|l| age(l.at, now) < SILENT) else { return Ok(()) };
            let known = format!(
                "its last message came {} s ago, and the cluster can't tell whether it is gone ({}); after {} s without a message this machine is accepted",
                age(other.at, now).as_secs(),
                quoted(why),
                SILENT.as_secs()
            );
            Err(twin(node, new, &other.machine, known))
        }
    }
}

fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

fn twin(node: &NodeName, new: &Machine, first: &Machine, known: String) -> Twin {
    Twin { node: node.clone(), new: new.text(), first: first.text(), known }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
