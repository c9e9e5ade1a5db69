//! Before a control-plane node is touched: every etcd member healthy, no alarm, and the leader on another node.

use super::types::{Assess, Cx, Step, done, odd, output};
use crate::doors::{Act, Probe, Reply};
use crate::plan::checks::etcd_problems;
use podlift_model::{HostOp, Look, OpOutput};

pub struct EtcdReady;

impl Step for EtcdReady {
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
