//! Arms the heal's guard around a kubeadm run. Rescue rules act always, hygiene rules only while the guard is armed. The step passes the
//! waived losses to the guard, so that it does not put them back.

use super::reply::{done, facts, odd};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::facts::GuardState;
use podlift_model::op::FlagLoss;
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuardArm {}

impl Step for GuardArm {
    fn verb(&self) -> String {
        "guard-arm".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn counterpart(&self) -> Option<&'static str> {
        Some("guard-disarm")
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
            GuardState::Armed { run } if *run == cx.state.run && (cx.acted || !lifted(cx)) => {
                done("guard armed")
            }
            // Facts do not report which losses the guard allows, so it is armed once more.
            GuardState::Armed { run } if *run == cx.state.run => Assess::Ready,
            GuardState::Off => done("healing is off in this agent's configuration: nothing guards this node"),
            GuardState::Armed { run } => Assess::Wait(format!("the guard is armed for run {run}")),
            GuardState::Steady => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::GuardArm {
            allow: allowed(cx),
            run: cx.state.run.clone(),
            seconds: cx.program().options.guard_seconds,
        })
    }

    fn undo(&self, cx: &Cx) -> Option<Act> {
        cx.undo_host(HostOp::GuardDisarm { run: cx.state.run.clone() })
    }
}

/// Whether a retry has lifted a waiver of losses, which a guard that was armed before would still allow.
fn lifted(cx: &Cx) -> bool {
    cx.program().waivers.iter().any(|w| w.is_of_losses() && !cx.state.waivers.contains(w))
}

/// Losses that the plan names and that are still waived on this node; a retry may have lifted the waiver.
fn allowed(cx: &Cx) -> Vec<FlagLoss> {
    let node = cx.node();
    let meant = cx.program().mends.meant.iter();
    meant.filter(|m| cx.state.waives_loss(&node, m.flag.as_str()).is_some()).cloned().collect()
}
