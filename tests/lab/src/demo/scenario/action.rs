//! What can happen to a lab. `coordinator`, `second` (a second coordinator on a copy of the journal) and nodes are processes by name.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// SIGKILL.
    Kill(String),
    /// SIGTERM, and wait for the end.
    Stop(String),
    Start(String),
    /// Power off and on: the agent comes back with the machine.
    Reboot(String),
    /// Power off for good.
    PowerOff(String),
    /// The agent's memory is gone, as after an image was put back on the disk; the agent starts again.
    ReplaceDisk(String),
    /// Somebody changes a line of a file, by writing another file and renaming it.
    Edit(Edit),
    /// Somebody puts the kubeadm-config of the beginning back, under this name as a writer.
    RevertConfig(String),
    /// Somebody changes an API object.
    Patch(Patch),
    Fault(FaultOrder),
    /// A node's package mirror has lost these (`kubeadm=1.32.9-1.1`); `{to}` is the target version. None: it has everything again.
    Mirror {
        node: String,
        lacks: Vec<String>,
    },
    /// Another process takes dpkg's lock.
    TakeLock {
        node: String,
        process: String,
    },
    FreeLock(String),
    /// Nobody reaches an API server for so many lab minutes.
    ApiAway {
        minutes: u64,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Edit {
    pub node: String,
    pub path: String,
    /// Every line that has this …
    pub line: String,
    /// … becomes this.
    pub to: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Patch {
    #[serde(default)]
    pub group: String,
    pub resource: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
    /// A merge patch.
    pub merge: Value,
}

/// Calls that end badly: see `crate::world::Fault`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultOrder {
    pub node: Option<String>,
    /// A tool, `api`, or `kubeadm-phase`.
    pub program: String,
    #[serde(default)]
    pub contains: String,
    #[serde(default = "once")]
    pub times: u32,
    pub code: i32,
    pub stderr: String,
}

fn once() -> u32 {
    1
}

impl Action {
    /// The nodes that it names, and no others.
    pub fn nodes(&self) -> Vec<&String> {
        match self {
            Action::Kill(n) | Action::Stop(n) | Action::Start(n) => match n.as_str() {
                crate::supervisor::COORDINATOR | crate::supervisor::SECOND => vec![],
                _ => vec![n],
            },
            Action::Reboot(n) | Action::PowerOff(n) | Action::ReplaceDisk(n) | Action::FreeLock(n) => vec![n],
            Action::Edit(Edit { node, .. }) | Action::Mirror { node, .. } | Action::TakeLock { node, .. } => {
                vec![node]
            }
            Action::Patch(p) if p.resource == "nodes" => vec![&p.name],
            Action::Fault(f) => f.node.iter().collect(),
            Action::RevertConfig(_) | Action::Patch(_) | Action::ApiAway { .. } => vec![],
        }
    }
}
