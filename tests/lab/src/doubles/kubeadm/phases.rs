//! --skip-phases, and phases that fail by order.

use super::error::{Ended, Failed};
use crate::doubles::ctx::Ctx;
use crate::doubles::words::Words;
use crate::world::FaultAction;

pub fn skipped(words: &Words, known: &[&str]) -> Ended<Vec<String>> {
    let all = words.options.iter().filter(|(n, _)| n == "--skip-phases").flat_map(|(_, v)| v.split(','));
    let all: Vec<String> = all.map(|p| p.trim().to_string()).filter(|p| !p.is_empty()).collect();
    match all.iter().find(|p| !known.contains(&p.split('/').next().unwrap_or_default())) {
        Some(bad) => Err(Failed::new(format!("invalid phase name: {bad}"))),
        None => Ok(all),
    }
}

pub fn skips(all: &[String], phase: &str) -> bool {
    all.iter().any(|p| p == phase)
}

/// A fault of one phase (program `kubeadm-phase`): what came before it stays done.
pub fn fault(ctx: &Ctx, phase: &str) -> Ended {
    match ctx.world.take_fault(&ctx.node, "kubeadm-phase", phase) {
        Some(FaultAction::Fail { stderr, .. } | FaultAction::FailAfter { stderr, .. }) => {
            Err(Failed::new(stderr).in_phase(phase))
        }
        _ => Ok(()),
    }
}
