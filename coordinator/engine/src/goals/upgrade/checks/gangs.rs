//! Gangs that do not work although their objects are there: fewer of their pods are there than they need. A drain of one of these costs no
//! work, and what the run evicts is not why they wait.

use super::View;
use super::batches::ID;
use crate::jobs::{least, members};
use crate::listed::listed;
use crate::program::{Finding, Severity, finding};
use crate::survey::GangView;
use podlift_model::{agree, count};

/// Gangs in a sentence.
const NAMED: usize = 3;

pub fn check(view: &View) -> Vec<Finding> {
    let Some(seen) = view.cluster() else { return vec![] };
    let Ok(pods) = &seen.pods else { return vec![] };
    let there = members(pods);
    let lacking = |gang: &GangView| {
        // A Workload of Kueue says how many pods were admitted. Its job may have ended, or end with fewer.
        if gang.pods.is_some() {
            return None;
        }
        let (least, has) = (least(gang)?, there.get(&gang.id).copied().unwrap_or_default());
        (has < least).then(|| (gang.id.clone(), has, least))
    };
    let (gone, few): (Vec<_>, Vec<_>) =
        seen.gangs.iter().filter_map(lacking).partition(|(_, has, _)| *has == 0);
    incomplete(&few).into_iter().chain(without_pods(&gone)).collect()
}

/// Gang, its pods, and how many it needs.
type Lacking = (String, u32, u32);

fn incomplete(few: &[Lacking]) -> Option<Finding> {
    let each = few.iter().map(|(id, has, least)| format!("{id} ({has} of at least {least})"));
    let evidence = format!(
        "{} {} fewer pods than {}, so that {} not work now and may wait for nodes: {}",
        count(few.len(), "gang"),
        agree(few.len(), "has", "have"),
        agree(few.len(), "it needs", "they need"),
        agree(few.len(), "it does", "they do"),
        listed(each, NAMED)
    );
    let next = "kubectl get pods --all-namespaces --field-selector status.phase=Pending";
    (!few.is_empty()).then(|| finding(ID, Severity::Warning, None, evidence, next))
}

/// A queue may hold thousands of these.
fn without_pods(gone: &[Lacking]) -> Option<Finding> {
    let evidence = format!(
        "{} {} no pod, so that the run interrupts nothing of {}: {}",
        count(gone.len(), "gang"),
        agree(gone.len(), "has", "have"),
        agree(gone.len(), "it", "them"),
        listed(gone.iter().map(|(id, _, _)| id), NAMED)
    );
    (!gone.is_empty()).then(|| finding(ID, Severity::Note, None, evidence, ""))
}
