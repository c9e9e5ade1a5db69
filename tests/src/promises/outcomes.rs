//! Outcomes that come late, twice, or after what was said behind them change nothing of how a run ends.

use crate::crash::small;
use crate::cut::Cut;
use crate::link::Mischief;
use crate::pod::{Pod, TO, why};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};
use podlift_engine::machine::{Event, RunStatus};
use std::collections::BTreeMap;

pub async fn outcomes_may_come_as_they_like(mischief: Mischief) -> Kept {
    let mut pod = Pod::new(small(), Sabotage::None);
    pod.mischief = mischief;
    pod.start(Cut::never());
    pod.start_run().await.map_err(|e| e.to_string())?;
    let state = pod.rest().await.ok_or("the run never rested")?;
    ensure(state.status == RunStatus::Succeeded, || why(&state))?;
    let audit = pod.world.audit(TO);
    ensure(audit.ok(), || format!("{audit:?}"))?;
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for record in pod.journal.records() {
        if let Event::OpEnded { op_id, .. } = record.event {
            *ends.entry(op_id.to_string()).or_default() += 1;
        }
    }
    let twice: Vec<&String> = ends.iter().filter(|(_, n)| **n > 1).map(|(op, _)| op).collect();
    ensure(twice.is_empty(), || format!("ended twice in the journal: {twice:?}"))
}
