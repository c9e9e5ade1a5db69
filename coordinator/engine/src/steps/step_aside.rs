//! An API server steps aside before it stops: its node refuses new connections, so that the proxy and the clients use the other API servers
//! while this one restarts. A deadline on the node lets connections in again without podlift. The step helps clients and protects nothing,
//! so whatever prevents it is recorded, and the run goes on.

use super::reply::{all, cluster, done, facts, odd};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Act, ClusterLook, ClusterReply, Probe, Reply};
use crate::machine::StepStatus;
use podlift_model::{HostOp, Look, OpOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepAside {}

/// Seconds after which connections are let in again at the latest: longer than kubeadm waits for a manifest, and the soak after it.
const DEADLINE: u32 = 900;
/// How many other API servers have to serve.
const OTHERS: usize = 2;

impl Step for StepAside {
    fn verb(&self) -> String {
        "step-aside".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn counterpart(&self) -> Option<&'static str> {
        Some("step-back")
    }
    fn is_optional(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let endpoints = others(cx);
        Probe::All(vec![cx.look(Look::Facts), Probe::Cluster(ClusterLook::ProbeApiServers { endpoints })])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, probes] = all(reply) else { return odd(reply) };
        let (Some(facts), Some(ClusterReply::Probes(probes))) = (facts(first), cluster(probes)) else {
            return odd(reply);
        };
        let Some(state) = &facts.step_aside else {
            return without("its agent is too old for it");
        };
        // A rule of an earlier attempt may end before this one does, so it is renewed.
        if state.active.is_some() && cx.acted {
            return done("new connections to its API server are refused");
        }
        if let Some(why) = failed(cx) {
            return without(&why);
        }
        if let Some(why) = &state.impossible {
            return without(why);
        }
        let others = others(cx);
        let serving = probes.iter().filter(|p| p.ok && others.contains(&p.endpoint)).count();
        match (serving >= OTHERS, cx.acted) {
            (false, _) => {
                without(&format!("only {serving} other API servers serve now, and {OTHERS} are needed"))
            }
            (true, true) => without("the rule was there, and is not any more"),
            (true, false) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        let reason = format!("podlift run {} restarts the API server of this node", cx.state.run);
        cx.host(HostOp::StepAside { seconds: DEADLINE, reason })
    }

    fn undo(&self, cx: &Cx) -> Option<Act> {
        cx.undo_host(HostOp::StepBack)
    }

    /// Connections that are open already get a moment to end before the API server stops.
    fn policy(&self, cx: &Cx) -> Policy {
        let drain = Duration::from_secs(cx.program().options.aside_seconds.into());
        Policy { soak: if cx.acted { drain } else { Duration::ZERO }, ..cx.policy() }
    }
}

fn without(why: &str) -> Assess {
    done(format!("the API server does not step aside: {why}"))
}

/// Why the op of this step has failed.
pub fn failed(cx: &Cx) -> Option<String> {
    match &cx.state.step(&cx.step.id)?.status {
        StepStatus::Ended { outcome: OpOutcome::Failed { failure }, .. } => Some(failure.message.clone()),
        _ => None,
    }
}

/// Addresses of the other API servers that take part.
pub fn others(cx: &Cx) -> Vec<String> {
    let me = cx.node();
    let servers = cx.program().inventory.control_planes().filter(|n| n.name != me);
    let there = servers.filter(|n| !cx.state.deferred.contains_key(&n.name));
    there.filter_map(|n| n.facts.as_ref()?.advertise.clone()).collect()
}
