//! The API server serves again, so its node lets new connections in. If that fails, the rule's own deadline does it.

use super::reply::{done, facts, odd};
use super::step_aside::failed;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepBack {}

impl Step for StepBack {
    fn verb(&self) -> String {
        "step-back".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn is_optional(&self) -> bool {
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
        let active = facts.step_aside.as_ref().and_then(|state| state.active.as_ref());
        match (active, failed(cx)) {
            (None, _) => done("new connections to its API server are let in"),
            (Some(rule), Some(why)) => {
                done(format!("new connections are refused until {} at the latest: {why}", rule.until))
            }
            (Some(_), None) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::StepBack)
    }
}
