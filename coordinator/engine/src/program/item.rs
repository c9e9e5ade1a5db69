//! Items of a run that a person approves or refuses by name.

use super::{APPROVAL, PlanOptions, StopReason};

/// The closed list of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    EtcdServers,
    FeatureGates,
    TigeraRemoval,
    ServiceRestore,
    SecretRestore,
    RunaiRestart,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("item {0:?} is not known: expected one of {names}", names = Item::ALL.map(Item::name).join(", "))]
pub struct UnknownItem(pub String);

impl Item {
    pub const ALL: [Self; 6] = [
        Self::EtcdServers,
        Self::FeatureGates,
        Self::TigeraRemoval,
        Self::ServiceRestore,
        Self::SecretRestore,
        Self::RunaiRestart,
    ];

    /// As on the command line, in events and in the policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::EtcdServers => "etcd-servers",
            Self::FeatureGates => "feature-gates",
            Self::TigeraRemoval => "tigera-removal",
            Self::ServiceRestore => "service-restore",
            Self::SecretRestore => "secret-restore",
            Self::RunaiRestart => "runai-restart",
        }
    }

    /// The command that approves it, which is the next command of a step that waits for it.
    pub fn command(self) -> String {
        format!("podlift approve {}", self.name())
    }

    /// The item for which a step has stopped; `None` if it has stopped for another reason.
    pub fn awaited_by(reason: &StopReason) -> Option<Self> {
        Self::ALL.into_iter().find(|item| reason.code == APPROVAL && reason.next == item.command())
    }

    /// Whether a person is asked at every site: the change interrupts what runs, or can't be taken back.
    pub fn is_always_asked(self) -> bool {
        matches!(self, Self::TigeraRemoval | Self::RunaiRestart)
    }

    /// Whether a person is asked in a run with these options.
    pub fn is_asked(self, options: &PlanOptions) -> bool {
        self.is_always_asked() || options.ask_items.iter().any(|item| item == self.name())
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Item {
    type Err = UnknownItem;

    fn from_str(text: &str) -> Result<Self, UnknownItem> {
        Self::ALL.into_iter().find(|item| item.name() == text).ok_or_else(|| UnknownItem(text.into()))
    }
}
