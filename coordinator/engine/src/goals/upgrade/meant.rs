//! Waivers in the form that the run needs: flags that the guards must not put back, and preflight errors that kubeadm has to ignore.

use super::checks::coredns;
use crate::analysis::kubeadm::has_phases;
use crate::goals::PlanInput;
use crate::program::{Loss, LossKind};
use podlift_model::FlagName;
use podlift_model::command::kinds::STORE;
use podlift_model::op::{Component, FlagLoss, Preflight};

/// Flags that would be gone or emptied, where that is waived on a node. Flags that lead to another store are never among them.
pub(super) fn losses(input: &PlanInput, losses: &[Loss]) -> Vec<FlagLoss> {
    let gone = |l: &&Loss| {
        l.kind == LossKind::Flag
            && l.becomes.as_deref().unwrap_or_default().is_empty()
            && !STORE.contains(&l.name.as_str())
            && l.nodes.iter().any(|n| input.waivers.iter().any(|w| w.covers(n, &l.name)))
    };
    let mut out: Vec<FlagLoss> = losses.iter().filter(gone).filter_map(by_name).collect();
    out.sort();
    out.dedup();
    out
}

fn by_name(loss: &Loss) -> Option<FlagLoss> {
    let component: Component = loss.component.parse().ok()?;
    Some(FlagLoss { component, flag: FlagName::new(&*loss.name).ok()? })
}

/// Only if addons are a separate step, because otherwise apply would update CoreDNS itself.
pub(super) fn preflight(input: &PlanInput) -> Vec<Preflight> {
    if !waived(input, coredns::ID) || !has_phases(input.to) {
        return vec![];
    }
    let dns = input.cluster_survey.as_ref().ok().and_then(|c| c.core_dns.as_ref().ok()?.as_ref());
    dns.map(|dns| coredns::refused(dns, input.to)).unwrap_or_default().into_iter().map(|r| r.error).collect()
}

fn waived(input: &PlanInput, check: &str) -> bool {
    input.waivers.iter().any(|w| w.check == check)
}
