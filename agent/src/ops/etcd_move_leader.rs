//! Moves etcd's leadership away from this node's member, so that a restart of the node's API server costs no election.

use super::etcd_access;
use super::shared::control_plane;
use super::{Applied, Cx, Op};
use crate::look::etcd_health;
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
        let access = etcd_access::checked(cx.node).await?;
        let members = access.members(&cx.node.host).await?;
        let gone =
            || Failure::transient("etcd-member-gone", "an etcd member is gone since it was seen; try again");
        let to = members.members.iter().find(|m| m.client_urls.contains(&other.endpoint)).ok_or_else(gone)?;
        access.move_leader(&cx.node.host, &leader.endpoint, to.id).await?;
        match self.observe(cx).await? {
            Some(_) => Ok(Applied::Done(OpOutput::Changed(format!("etcd's leader is {} now", other.name)))),
            None => Err(Failure::transient(
                "etcd-leader-stayed",
                "etcdctl moved the leader, and it is here still; try again",
            )),
        }
    }
}
