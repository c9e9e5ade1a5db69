//! Whatever had an effect is in the journal as intended, also when the coordinator dies right after the effect.

use crate::crash::{Strike, When, baseline, small};
use crate::pod::{Pod, Victim};
use crate::sabotage::Sabotage;
use crate::{Kept, ensure};

/// Blows that are tried, about.
const ENOUGH: usize = 32;

pub async fn nothing_happens_that_was_not_intended_first(sabotage: Sabotage) -> Kept {
    let base = baseline(Pod::new(small(), Sabotage::None)).await?;
    let mut hits = 0;
    // A part of the moments: `crash_everywhere` strikes in each of them.
    for n in base.moments.iter().step_by((base.moments.len() / ENOUGH).max(1)) {
        let strike = Strike { when: When::During(*n), victim: Victim::Coordinator, memory_lost: false };
        hits += u32::from(strike.judge(Pod::new(small(), sabotage), &base).await?);
    }
    ensure(hits as usize >= ENOUGH / 2, || format!("only {hits} blows fell"))
}
