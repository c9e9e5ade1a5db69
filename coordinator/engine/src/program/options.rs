//! How a run proceeds.

use super::{ImageOrder, Limit, Skew};
use crate::doors::DrainOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanOptions {
    /// Workers that may be unavailable at once, including those that were unavailable before.
    pub max_unavailable: u32,
    /// Number of workers that go first, in a phase of their own; 0 for none.
    pub canary: u32,
    /// How long the first workers must stay Ready with work on them before the next one is touched, seconds; 0 for not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub canary_soak_seconds: u32,
    /// How long a drain may take before the run pauses, seconds.
    pub drain_seconds: u32,
    /// How long a new API server must stay ready, seconds.
    pub soak_seconds: u32,
    /// Seconds after which a node's guard returns to the steady watch by itself.
    pub guard_seconds: u32,
    /// How long any other wait may take, seconds.
    pub wait_seconds: u32,
    /// Gates that this site removes: a rule of the site, not a fact of Kubernetes.
    pub site_gates: Vec<String>,
    /// Attestations that this site requires before a run: a rule of the site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_attestations: Vec<String>,
    /// Where the run pauses for approval.
    #[serde(default, skip_serializing_if = "Approve::is_all")]
    pub approve: Approve,
    /// The run pauses when this many workers have failed. `None` for the default: the first failure until the first workers are over, then
    /// 5 % of the run's workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failed: Option<Limit>,
    /// Workers that the operator leaves out: names of nodes, or selectors of labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Workers that are not Ready, have no agent or are cordoned when the plan is made are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_unready: bool,
    /// Number of nodes that fetch packages and images at the same time.
    #[serde(default = "fetch_parallel", skip_serializing_if = "is_usual_fetch")]
    pub fetch_parallel: u32,
    /// Whether an API server steps aside before it stops.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub step_aside: bool,
    /// Time between the rule that refuses new connections to an API server and its stop, seconds.
    #[serde(default = "aside_seconds", skip_serializing_if = "is_usual_aside")]
    pub aside_seconds: u32,
    /// How workers are chosen in batches; `None` if they go in the plan's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<podlift_batches::Policy>,
    /// Workers that are still to come carry a soft taint, so that evicted pods prefer nodes that are over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft_taint: bool,
    /// Pods whose owners want it save their work before they are evicted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checkpoints: bool,
    /// How long before the drain of their node people are told who work in its pods, seconds; 0 for not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub interactive_warning_seconds: u32,
    #[serde(default, skip_serializing_if = "DrainOptions::is_default")]
    pub drain: DrainOptions,
    /// Whether nodes that BCM provisions from a software image go through that image. False if `[bcm] images = false`.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub images: bool,
    /// When BCM writes a software image to a worker.
    #[serde(default, skip_serializing_if = "ImageOrder::is_drain_first")]
    pub image_order: ImageOrder,
    /// How many minors may be in the cluster at once.
    #[serde(default, skip_serializing_if = "Skew::is_upstream")]
    pub skew: Skew,
    /// Items of issues before which a person is asked, besides those that are always asked: a rule of the site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask_items: Vec<String>,
}

fn fetch_parallel() -> u32 {
    64
}

fn is_usual_fetch(nodes: &u32) -> bool {
    *nodes == fetch_parallel()
}

/// Measured on a real cluster: with 3 s, none of 2,263 requests at the proxy failed.
fn aside_seconds() -> u32 {
    3
}

fn is_usual_aside(seconds: &u32) -> bool {
    *seconds == aside_seconds()
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn is_zero(seconds: &u32) -> bool {
    *seconds == 0
}

/// Where a run pauses for approval. The start of the run approves its first phase, which changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approve {
    /// Nowhere: the start of the run approves everything.
    #[default]
    All,
    /// Before each phase.
    Phase,
    /// Before each phase, and before each batch of its lanes.
    Batch,
}

impl Approve {
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            max_unavailable: 1,
            canary: 1,
            canary_soak_seconds: 0,
            drain_seconds: 1800,
            soak_seconds: 30,
            guard_seconds: 3600,
            wait_seconds: 900,
            site_gates: vec!["MaxUnavailableStatefulSet".into()],
            required_attestations: vec![],
            approve: Approve::All,
            max_failed: None,
            without: vec![],
            skip_unready: false,
            fetch_parallel: fetch_parallel(),
            step_aside: true,
            aside_seconds: aside_seconds(),
            batches: None,
            soft_taint: false,
            checkpoints: false,
            interactive_warning_seconds: 0,
            drain: DrainOptions::default(),
            images: true,
            image_order: ImageOrder::DrainFirst,
            skew: Skew::Upstream,
            ask_items: vec![],
        }
    }
}
