//! Hygiene repairs of one manifest on a person's request. The component restarts, so the coordinator asks one node at a time, and an API
//! server that serves steps aside before. A repetition finds nothing more to repair; a table that an interrupted op left ends at its
//! deadline.

use super::{Applied, Cx, Op};
use crate::aside::Repair;
use async_trait::async_trait;
use podlift_model::op::Component;
use podlift_model::{Failure, OpOutput, codes, count};

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
        let aside = Repair::begin(cx.node, self.component).await;
        let done = match cx.node.heal.apply(self.component) {
            Ok(done) => done,
            Err(refused) => {
                cancel(aside).await;
                return Err(Failure::operator(codes::HEAL_REFUSED, refused.to_string()));
            }
        };
        let restart = match (done.healed.is_empty(), aside) {
            (_, None) => String::new(),
            (true, aside) => {
                cancel(aside).await;
                String::new()
            }
            (false, Some(Ok(aside))) => format!("; {}", aside.end().await),
            (false, Some(Err(why))) => format!("; the API server did not step aside: {why}"),
        };
        let left: Vec<String> = done.left.iter().map(|f| format!("{}: {}", f.rule, f.what)).collect();
        let file = self.component.file();
        if !left.is_empty() {
            let message = format!(
                "{} of {file}{restart}; still wrong: {}; see podlift heal status {}",
                count(done.healed.len(), "repair"),
                left.join("; "),
                cx.node.config.node
            );
            return Err(Failure::operator("heal-incomplete", message));
        }
        let line = match done.healed.len() {
            0 => return Ok(Applied::Done(OpOutput::Unchanged(format!("nothing is wrong with {file}")))),
            n => format!("{} of {file}{restart}", count(n, "repair")),
        };
        Ok(Applied::Done(OpOutput::Changed(line)))
    }
}

async fn cancel(aside: Option<Result<Repair<'_>, String>>) {
    if let Some(Ok(aside)) = aside {
        aside.cancel().await;
    }
}
