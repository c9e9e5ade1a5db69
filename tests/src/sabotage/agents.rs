//! Agents whose answers are changed to what a careless coordinator would assume.

use super::Sabotage;
use async_trait::async_trait;
use podlift_coordinator::Agents;
use podlift_coordinator::dispatch::{Looked, Progress};
use podlift_engine::view::SeenNode;
use podlift_model::components::ComponentState;
use podlift_model::op::Component;
use podlift_model::{Epoch, Failure, HostOp, LedgerId, Look, NodeName, OpId, OpOutcome, OpOutput, RunId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub struct Lying {
    pub inner: Arc<dyn Agents>,
    pub sabotage: Sabotage,
}

/// As if only its manifest had been read.
fn healthy(c: &mut ComponentState) {
    (c.ready, c.wants_credentials, c.flags_match, c.hash_matches) = (true, false, true, Some(true));
    (c.running, c.last_exit, c.restarts) = (Some(crate::pod::TO), None, 0);
    c.container = Some("the-same".into());
    c.object_read = c.object_read.map(|_| true);
}

#[async_trait]
impl Agents for Lying {
    fn seen(&self) -> Vec<SeenNode> {
        self.inner.seen()
    }
    fn ledger(&self, node: &NodeName) -> Option<LedgerId> {
        self.inner.ledger(node)
    }
    fn epoch(&self, node: &NodeName) -> Option<Epoch> {
        self.inner.epoch(node)
    }
    fn runs(&self) -> BTreeSet<RunId> {
        self.inner.runs()
    }
    fn runs_of(&self, counts: &dyn Fn(&NodeName) -> bool) -> BTreeSet<RunId> {
        self.inner.runs_of(counts)
    }
    fn told_roles(&self, roles: &BTreeMap<NodeName, bool>) {
        self.inner.told_roles(roles);
    }
    fn refused(&self) -> BTreeMap<NodeName, String> {
        self.inner.refused()
    }

    async fn observe(&self, node: &NodeName, look: &Look) -> Result<OpOutput, Failure> {
        let mut seen = self.inner.observe(node, look).await?;
        if self.sabotage == Sabotage::ExitCodeTrusted {
            match &mut seen {
                // kubeadm exited 0, so the server is up and runs what is on disk.
                OpOutput::ApiServer(server) => {
                    (server.ready, server.flags_match) = (true, true);
                    server.running = Some(crate::pod::TO);
                }
                OpOutput::Components(all) => {
                    all.iter_mut().filter(|c| c.component == Component::KubeApiserver).for_each(healthy);
                }
                OpOutput::Manifests(findings) => findings.clear(),
                _ => {}
            }
        }
        if self.sabotage == Sabotage::ComponentsUnseen
            && let OpOutput::Components(all) = &mut seen
        {
            all.iter_mut().filter(|c| c.component != Component::KubeApiserver).for_each(healthy);
        }
        Ok(seen)
    }

    async fn run(
        &self,
        node: &NodeName,
        op_id: &OpId,
        epoch: &Epoch,
        op: &HostOp,
        progress: Progress,
    ) -> Result<OpOutcome, Failure> {
        match self.sabotage.answer_for(op) {
            Some(lie) => Ok(lie),
            None => self.inner.run(node, op_id, epoch, op, progress).await,
        }
    }

    async fn lookup(&self, node: &NodeName, op_id: &OpId) -> Result<Looked, Failure> {
        self.inner.lookup(node, op_id).await
    }

    async fn claim(&self, node: &NodeName, epoch: &Epoch) -> Result<bool, Failure> {
        self.inner.claim(node, epoch).await
    }
}
