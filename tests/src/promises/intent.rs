//! Whatever had an effect is in the journal as intended, also when the coordinator dies right after the effect.

use crate::crash::{Strike, When, baseline, small};
use crate::pod::{Pod, Victim};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};

pub async fn nothing_happens_that_was_not_intended_first(sabotage: Sabotage) -> Kept {
    let base = baseline(Pod::new(small(), Sabotage::None)).await?;
    let mut hits = 0;
    // In the middle of each op, as far apart as their records are.
    for n in (1..=base.records).step_by(2) {
        let strike = Strike { when: When::During(n), victim: Victim::Coordinator, memory_lost: false };
        hits += u32::from(strike.judge(Pod::new(small(), sabotage), &base.snapshot).await?);
    }
    ensure(hits > 20, || format!("only {hits} blows fell"))
}
