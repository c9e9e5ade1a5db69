//! Disarms the guard: the node's heal returns to its steady watch.

use super::reply::{done, facts, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use podlift_model::facts::GuardState;
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuardDisarm {}

impl Step for GuardDisarm {
    fn verb(&self) -> String {
        "guard-disarm".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("guards-disarmed")
    }
    fn brings_settings(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(facts) = facts(reply) else { return odd(reply) };
        match &facts.guard {
            GuardState::Armed { run } if *run == cx.state.run => Assess::Ready,
            GuardState::Off => done("healing is off"),
            _ => done("steady watch"),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::GuardDisarm { run: cx.state.run.clone() })
    }
}
