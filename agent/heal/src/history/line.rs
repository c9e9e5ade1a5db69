//! The lines of the heal history.

use crate::budget::Fight;
use jiff::Timestamp;
use podlift_model::heal::HealEvent;
use podlift_model::op::Component;
use podlift_model::{BootId, Digest};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is about to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub id: String,
    pub file: String,
    pub rules: Vec<String>,
    pub at: Timestamp,
    pub before: Digest,
    pub after: Digest,
    /// Whose budget it costs; None in old lines: the file's own.
    #[serde(default)]
    pub component: Option<Component>,
    #[serde(default)]
    pub boot: Option<BootId>,
    /// When it was noticed, on the clock of that boot.
    #[serde(default)]
    pub clock: Duration,
    #[serde(default)]
    pub how: How,
    /// The second part of one repair, which costs the budget nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follows: bool,
}

/// How it will show that it was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The file's content is `after`.
    #[default]
    Content,
    /// The file is gone, and a copy of it is there.
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
    /// A repair that counts for the budget, of which the event is no longer kept.
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
