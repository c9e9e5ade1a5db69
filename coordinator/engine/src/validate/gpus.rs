//! The nodes offer the GPUs that they offered before, and the workloads of the GPU operator are there.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Group, Scene};
use crate::analysis::compare;
use crate::program::{Recorded, Severity};
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "gpus",
    title: "GPUs are allocatable as before",
    group: Group::Hardware,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl -n gpu-operator get pods -o wide";

fn judge(scene: &Scene) -> Verdict {
    let mut faults = vec![];
    let mut open_parts = vec![];
    match &scene.gpu_operator {
        Err(why) => open_parts.push(format!("the GPU operator can't be seen: {why}")),
        Ok(None) => {}
        Ok(Some(operator)) => {
            let away = operator.workloads.iter().filter(|(_, r)| r.available < r.desired);
            faults.extend(away.map(|(name, r)| {
                format!("{name} of {}: {} of {} available", operator.namespace, r.available, r.desired)
            }));
        }
    }
    let now = match &scene.hardware {
        Err(why) => return open(format!("the nodes' hardware can't be seen: {why}"), NEXT).and(faults),
        Ok(now) => now,
    };
    let recorded = scene.before.as_ref().and_then(|before| before.hardware.as_ref());
    match recorded {
        Err(why) => open_parts.push(format!("there is no record to compare the hardware with: {why}")),
        Ok(before) => {
            let of = |hardware| Recorded { hardware: Ok(hardware), ..Recorded::default() };
            let mut before = before.clone();
            before.retain(|node, _| !scene.without.contains_key(node));
            let differences = compare(&of(before), &of(now.clone()));
            faults.extend(differences.into_iter().map(|f| match &f.node {
                Some(node) => format!("{node}: {}", f.evidence),
                None => f.evidence,
            }));
        }
    }
    let gpus: u64 = now
        .values()
        .flat_map(|hardware| &hardware.allocatable)
        .filter(|(resource, _)| resource.starts_with("nvidia.com/"))
        .filter_map(|(_, amount)| amount.parse::<u64>().ok())
        .sum();
    match (faults.is_empty(), open_parts.is_empty()) {
        (false, _) => failed(faults, NEXT).and(open_parts),
        (true, false) => open(open_parts.remove(0), NEXT).and(open_parts),
        (true, true) => passed(format!("{} on {} allocatable", count(gpus, "GPU"), count(now.len(), "node"))),
    }
}
