//! Accepts a legitimate change: the manifest that a person has checked, named by its hash, is what the heal expects from now on.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::op::Component;
use podlift_model::{Digest, Failure, OpOutput, codes};

pub struct HealAccept {
    pub component: Component,
    pub sha256: Digest,
}

#[async_trait]
impl Op for HealAccept {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let refused = |e: podlift_heal::Refused| Failure::operator(codes::HEAL_REFUSED, e.to_string());
        cx.node.heal.accept(self.component, &self.sha256).map_err(refused)?;
        let line = format!("{} ({}) is expected from now on", self.component.file(), self.sha256.short());
        Ok(Applied::Done(OpOutput::Changed(line)))
    }
}
