//! Before a change of a control-plane node: every etcd member is healthy, there is no alarm, and the leader is on another node.

use super::reply::{done, odd, output};
use super::{Assess, Cx, Step, Touches};
use crate::analysis::etcd_problems;
use crate::doors::{Act, Probe, Reply};
use podlift_model::{HostOp, Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EtcdReady {}

impl Step for EtcdReady {
    fn verb(&self) -> String {
        "etcd-ready".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::EtcdHealth)
    }
    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        let Some(OpOutput::Etcd(state)) = output(reply) else { return odd(reply) };
        if let Some(problem) = etcd_problems(state).into_iter().next() {
            return Assess::Wait(format!("etcd: {problem}"));
        }
        match state.members.iter().find(|m| m.leader) {
            Some(leader) if leader.local && state.members.len() > 1 => Assess::Ready,
            Some(leader) => done(format!("{} members healthy, {} leads", state.members.len(), leader.name)),
            None => Assess::Wait("etcd has no leader".into()),
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::EtcdMoveLeader)
    }
}
