//! Before a change of a control-plane node: every etcd member is healthy, there is no alarm, and the leader is on another node. All other
//! API servers are ready, and their nodes are Ready, because this one is about to be taken away.

use super::reply::{all, done, odd, output};
use super::step_aside::others;
use super::{Assess, Cx, Step, Touches};
use crate::analysis::etcd_problems;
use crate::doors::{Act, ApiProbe, ClusterLook, ClusterReply, NodeView, Probe, Reply};
use crate::inventory::NodeEntry;
use podlift_model::facts::{EtcdMember, EtcdState};
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
        Probe::All(looks(cx).into())
    }
    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let state = match judge(cx, all(reply)) {
            None => return odd(reply),
            Some(Err(why)) => return Assess::Wait(why),
            Some(Ok(state)) => state,
        };
        match state.members.iter().find(|m| m.leader) {
            Some(leader) if leader.local && state.members.len() > 1 => Assess::Ready,
            Some(leader) => done(format!(
                "{} healthy, {} leads",
                podlift_model::count(state.members.len(), "member"),
                leader.name
            )),
            None => Assess::Wait("etcd has no leader".into()),
        }
    }
    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::EtcdMoveLeader)
    }
}

/// The questions about etcd and the other API servers.
pub fn looks(cx: &Cx) -> [Probe; 3] {
    let endpoints = others(cx);
    [
        cx.look(Look::EtcdHealth),
        Probe::Cluster(ClusterLook::ProbeApiServers { endpoints }),
        Probe::Cluster(ClusterLook::NodesLately),
    ]
}

/// etcd without the members of lost machines, or why this node's API server can't be taken away; `None` if a reply is of another kind than
/// its look.
fn judge(cx: &Cx, replies: &[Reply]) -> Option<Result<EtcdState, String>> {
    let [etcd, Reply::Cluster(ClusterReply::Probes(probes)), Reply::Cluster(ClusterReply::Nodes(nodes))] =
        replies
    else {
        return None;
    };
    let Some(OpOutput::Etcd(state)) = output(etcd) else { return None };
    let state = without_lost(cx, state);
    let problem = etcd_problems(&state).into_iter().next().map(|problem| format!("etcd: {problem}"));
    Some(match problem.or_else(|| alone(cx, probes, nodes)) {
        Some(why) => Err(why),
        None => Ok(state),
    })
}

/// The verdict for a step that is about to stop an API server or an etcd member of this node, if the others can't do without it any more.
/// `replies` answer `looks`.
pub fn lost(cx: &Cx, replies: &[Reply]) -> Option<Assess> {
    match judge(cx, replies) {
        None => Some(odd(&Reply::All(replies.to_vec()))),
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(cx.again(&["etcd-ready"], why)),
    }
}

/// Why the other API servers can't do without this one.
fn alone(cx: &Cx, probes: &[ApiProbe], nodes: &[NodeView]) -> Option<String> {
    let (me, servers) = (cx.node(), others(cx));
    if let Some(down) = probes.iter().find(|p| !p.ok && servers.contains(&p.endpoint)) {
        return Some(format!("API server {} is not ready: {}", down.endpoint, down.why));
    }
    let other = |n: &&NodeView| n.control_plane && n.name != me && !cx.state.deferred.contains_key(&n.name);
    let down = nodes.iter().filter(other).find(|n| !n.ready)?;
    Some(format!("control-plane node {} is not Ready: {}", down.name, down.ready_message))
}

/// The members that count: not those of nodes that an operator has declared lost.
fn without_lost(cx: &Cx, state: &EtcdState) -> EtcdState {
    let lost: Vec<&NodeEntry> =
        cx.state.lost.keys().filter_map(|node| cx.program().inventory.get(node)).collect();
    let of = |member: &EtcdMember, node: &NodeEntry| {
        let address = node.view.internal_ip.as_deref();
        member.name == node.name.as_str() || address.is_some_and(|ip| is_at(&member.endpoint, ip))
    };
    let mut state = state.clone();
    state.members.retain(|member| !lost.iter().any(|node| of(member, node)));
    state
}

/// Whether the host of `https://host:port` is this address.
pub(super) fn is_at(endpoint: &str, ip: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.trim_matches(['[', ']']) == ip
}
