//! The site's rules for its workers: the table `[rollout]` of `/etc/podlift/policy.toml`.

mod check;
mod error;

pub(crate) use check::check;
pub use error::PolicyError;

use crate::{Limit, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Policy {
    /// How many workers may be unavailable together, those that are down already among them. `None`: as configured elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Limit>,
    /// Batches of 1, 2, 4, … nodes up to the limit, each after the one before has ended well.
    pub grow: bool,
    pub order: Order,
    /// A worker belongs to the first group whose selector and category it matches. A worker in no group has only the limit of all workers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Group>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
    /// When lanes may begin. Empty: always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    pub gangs: Gangs,
    pub failed_checkpoint: FailedCheckpoint,
    /// How long nodes with a job that must not be interrupted may hold the end of the run, counted from when it came to its workers. Then
    /// they are left out.
    pub never_interrupt_seconds: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Idle nodes first, then those whose jobs are all preemptible, then the others; each by the GPU-seconds that are lost for a node.
    #[default]
    LeastLoss,
    /// By the names of the nodes. The nodes of a gang stay together.
    AsPlanned,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    pub name: String,
    /// Labels that a node must have: `key=value`, several joined by commas. `None`: the category alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// The BCM category that a node must have, by its name. `None`: the selector alone decides. With both, a node must match both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How many nodes of the group may be unavailable together.
    pub max_unavailable: Limit,
    /// How many nodes of the group are upgraded before its others begin. 0: the group has no canary of its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub canary: u32,
    /// How long the others wait after the last of these nodes is finished.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub canary_soak_seconds: u64,
    /// When lanes of the group may begin, in place of the windows of the policy. Empty: these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// The order of the group's nodes, in place of that of the policy. Beside nodes that go by least loss, one that goes by name stands after
    /// the idle ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// When the lanes of so many nodes of the group have failed, its other nodes are left out. Other groups go on. `None`: no such number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failed: Option<u32>,
}

impl Group {
    /// What a worker must have to belong to the group, in words: `selector "pool=x" and category "dgx-h100"`.
    pub fn meaning(&self) -> String {
        let part = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text:?}"));
        let parts = [part("selector", &self.selector), part("category", &self.category)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }
}

fn is_zero<N: PartialEq + From<u8>>(number: &N) -> bool {
    *number == N::from(0)
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Topology {
    /// The label whose value names the domain of a node, e.g. its rack or NVLink domain.
    pub label: String,
    pub take: Take,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The nodes of one domain, and no other domain begins before it is over. Domains that share a gang count as one.
    OneDomain,
    /// Never two nodes of one domain at once.
    OneOfEach,
}

/// What happens to a gang on more nodes than may be unavailable together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Gangs {
    pub too_large: TooLarge,
    /// How long `wait` waits, counted from when the run came to its workers. Then the gang is evicted.
    pub wait_seconds: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TooLarge {
    /// It is interrupted, and its nodes are taken right after each other.
    #[default]
    Evict,
    /// Its nodes wait until it has ended, at most `wait-seconds`.
    Wait,
    /// Its nodes are left out if it has not ended when every other node is over.
    Skip,
    /// An operator decides when every other node is over.
    Ask,
}

/// What happens to a node when the checkpoint hook of a job on it fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailedCheckpoint {
    /// Its lane stops before the drain, so that the work can still be saved.
    #[default]
    Stop,
    /// The drain follows, and the failure is recorded.
    GoOn,
}

const DAY: u64 = 24 * 3600;

impl Default for Gangs {
    fn default() -> Self {
        Self { too_large: TooLarge::default(), wait_seconds: DAY }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_unavailable: None,
            grow: false,
            order: Order::default(),
            groups: vec![],
            topology: None,
            windows: vec![],
            gangs: Gangs::default(),
            failed_checkpoint: FailedCheckpoint::default(),
            never_interrupt_seconds: DAY,
        }
    }
}
