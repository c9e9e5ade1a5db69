//! Annotations about checkpoints that can't be understood: such a pod is evicted without one.

use super::View;
use crate::program::{Finding, Severity, finding};

pub const ID: &str = "checkpoints";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let here = |node: &&_| view.chosen(node);
    let faults = pods.iter().filter(|pod| pod.evicted() && !pod.finished).filter_map(|pod| {
        let node = pod.node.as_ref().filter(here)?;
        Some((pod, node, pod.checkpoint_fault.as_ref()?))
    });
    let one = |(pod, node, fault): (&crate::survey::PodView, _, &String)| {
        let evidence = format!("{} would be evicted without a checkpoint: {fault}", pod.full_name());
        let next = format!("kubectl -n {} get pod {} -o yaml", pod.namespace, pod.name);
        finding(ID, Severity::Warning, Some(node), evidence, &next)
    };
    faults.map(one).collect()
}
