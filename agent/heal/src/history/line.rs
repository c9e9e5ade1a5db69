//! The lines of the heal history.

use crate::budget::Fight;
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;
use podlift_model::{BootId, Digest};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A heal that is about to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub id: String,
    pub file: String,
    pub rules: Vec<String>,
    pub at: Timestamp,
    pub before: Digest,
    pub after: Digest,
    /// The component whose budget pays; `None` in old lines, where the file's own component pays.
    #[serde(default)]
    pub component: Option<Component>,
    #[serde(default)]
    pub boot: Option<BootId>,
    /// Time of the notice, on the boot clock of `boot`.
    #[serde(default)]
    pub clock: Duration,
    #[serde(default)]
    pub how: How,
    /// This is the second part of one repair, which costs no budget.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
}

/// How the disk shows that the heal was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The file's content is `after`.
    #[default]
    Content,
    /// The file is gone, and its copy is at this path.
    Moved(String),
    /// The file has this mode.
    Mode(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    Intent(Intent),
    Event(HealEvent),
    Acked(String),
    /// A repair that counts for the budget and whose event is no longer kept.
    Spent {
        component: Component,
        boot: BootId,
        clock: Duration,
    },
    Fight {
        component: Component,
        boot: BootId,
        fight: Fight,
    },
    Forgiven,
}

pub(super) fn component_of(file: &str) -> Option<Component> {
    file.strip_suffix(".yaml")?.parse().ok()
}
