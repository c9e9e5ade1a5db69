//! Hygiene repairs of one manifest on a person's request. The component restarts, so the coordinator asks one node at a time.

use super::{Applied, Cx, Op};
use async_trait::async_trait;
use podlift_model::op::Component;
use podlift_model::{Failure, OpOutput, codes};

pub struct HealApply {
    pub component: Component,
}

#[async_trait]
impl Op for HealApply {
    fn repeatable(&self) -> bool {
        true
    }

    async fn observe(&self, _: &Cx<'_>) -> Result<Option<OpOutput>, Failure> {
        Ok(None)
    }

    async fn apply(&self, cx: &Cx<'_>) -> Result<Applied, Failure> {
        let refused = |e: podlift_heal::Refused| Failure::operator(codes::HEAL_REFUSED, e.to_string());
        let done = cx.node.heal.apply(self.component).map_err(refused)?;
        let left: Vec<String> = done.left.iter().map(|f| format!("{}: {}", f.rule, f.what)).collect();
        let file = self.component.file();
        if !left.is_empty() {
            let message = format!(
                "{} repairs of {file}; still wrong: {}; see podlift heal status {}",
                done.healed.len(),
                left.join("; "),
                cx.node.config.node
            );
            return Err(Failure::operator("heal-incomplete", message));
        }
        let line = match done.healed.len() {
            0 => return Ok(Applied::Done(OpOutput::Unchanged(format!("nothing is wrong with {file}")))),
            n => format!("{n} repairs of {file}"),
        };
        Ok(Applied::Done(OpOutput::Changed(line)))
    }
}
