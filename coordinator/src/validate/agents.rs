//! Control-plane nodes as their agents see them, twice with a soak time between: components, and etcd.

use super::Validator;
use crate::dispatch::Progress;
use futures_util::future::join_all;
use podlift_model::components::ComponentState;
use podlift_model::facts::EtcdState;
use podlift_model::survey::Seen;
use podlift_model::{Look, NodeName, OpOutput};
use std::collections::BTreeMap;
use std::time::Duration;

/// Time limit of one agent's answer.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Planes {
    pub components: BTreeMap<NodeName, Seen<Vec<ComponentState>>>,
    pub components_after: BTreeMap<NodeName, Seen<Vec<ComponentState>>>,
    pub etcd: BTreeMap<NodeName, Seen<EtcdState>>,
    pub etcd_after: BTreeMap<NodeName, Seen<EtcdState>>,
}

impl Validator {
    pub(super) async fn planes(&self, nodes: &[NodeName], told: &Progress) -> Planes {
        told("control plane".into());
        let (components, etcd) = tokio::join!(self.components(nodes), self.etcd(nodes));
        tokio::time::sleep(self.settings.soak).await;
        let (components_after, etcd_after) = tokio::join!(self.components(nodes), self.etcd(nodes));
        Planes { components, components_after, etcd, etcd_after }
    }

    async fn components(&self, nodes: &[NodeName]) -> BTreeMap<NodeName, Seen<Vec<ComponentState>>> {
        self.each(nodes, Look::Components, |output| match output {
            OpOutput::Components(all) => Some(all),
            _ => None,
        })
        .await
    }

    async fn etcd(&self, nodes: &[NodeName]) -> BTreeMap<NodeName, Seen<EtcdState>> {
        self.each(nodes, Look::EtcdHealth, |output| match output {
            OpOutput::Etcd(state) => Some(state),
            _ => None,
        })
        .await
    }

    async fn each<T>(
        &self,
        nodes: &[NodeName],
        look: Look,
        pick: impl Fn(OpOutput) -> Option<T>,
    ) -> BTreeMap<NodeName, Seen<T>> {
        let (look, pick) = (&look, &pick);
        let asked = nodes.iter().map(|node| async move { (node.clone(), self.ask(node, look, pick).await) });
        join_all(asked).await.into_iter().collect()
    }

    /// One question to one agent.
    pub(super) async fn ask<T>(
        &self,
        node: &NodeName,
        look: &Look,
        pick: impl FnOnce(OpOutput) -> Option<T>,
    ) -> Seen<T> {
        match tokio::time::timeout(LIMIT, self.agents.observe(node, look)).await {
            Ok(Ok(output)) => {
                pick(output).ok_or_else(|| format!("the agent of {node} answered something else"))
            }
            Ok(Err(failure)) => Err(failure.message),
            Err(_) => Err(format!("the agent of {node} did not answer within {} s", LIMIT.as_secs())),
        }
    }
}
