//! etcd's leadership away from this node's member, so that restarting the node's API server costs no election.

use super::etcd_snapshot::no_access;
use super::look::etcd_health;
use super::shared::control_plane;
use super::{Applied, Cx, Op};
use crate::tools::etcdctl::Access;
use async_trait::async_trait;
use podlift_model::{Failure, OpOutput};

pub struct EtcdMoveLeader;

#[async_trait]
impl Op for EtcdMoveLeader {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, cx: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        control_plane(cx.node)?;
        let state = etcd_health::state(cx.node).await?;
        let here = state.members.iter().any(|m| m.local && m.leader);
        Ok((!here).then(|| OpOutput::Unchanged("etcd's leader is not on this node".into())))
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let state = etcd_health::state(cx.node).await?;
        let leader = state.members.iter().find(|m| m.local && m.leader);
        let other = state.members.iter().find(|m| !m.local && m.healthy);
        let (Some(leader), Some(other)) = (leader, other) else {
            return Err(Failure::operator(
                "etcd-no-other-member",
                "no other etcd member is healthy; leadership stays; repair etcd first",
            ));
        };
        let access = Access::of_node(&cx.node.host, None).ok_or_else(no_access)?;
        let members = access.members(&cx.node.host).await?;
        let id = members.members.iter().find(|m| m.client_urls.contains(&other.endpoint)).map(|m| m.id);
        access.move_leader(&cx.node.host, &leader.endpoint, id.ok_or_else(no_access)?).await?;
        match self.observe(cx).await? {
            Some(_) => Ok(Applied::Done(OpOutput::Changed(format!("etcd's leader is {} now", other.name)))),
            None => Err(Failure::transient(
                "etcd-leader-stayed",
                "etcdctl moved the leader, and it is here still; try again",
            )),
        }
    }
}
