//! The cost of the work on each node, with the nodes that lose most first.

use crate::out::Screen;
use crate::table::{Cell, Grid};
use podlift_engine::program::{Blast, Program};
use podlift_model::NodeName;

/// Rows that are shown without -v.
const TOP: usize = 10;

pub(super) fn blast(plan: &Program, all: bool, screen: Screen) -> String {
    let of_upgrade = plan.goal.upgrade().map(|u| &u.blast);
    let mut nodes: Vec<(&NodeName, &Blast)> = of_upgrade.into_iter().flatten().collect();
    if nodes.is_empty() {
        return String::new();
    }
    nodes.sort_by_key(|(name, b)| (std::cmp::Reverse(weight(b)), *name));
    let cut = if all { nodes.len() } else { nodes.len().min(TOP) };
    let mut grid =
        Grid::with_tail(&["NODE", "PODS", "GPUS", "BARE", "EMPTYDIR", "BUDGETS", "JOBS THAT LOSE MEMBERS"]);
    for (name, b) in &nodes[..cut] {
        grid.row(vec![
            Cell::from(name),
            b.evicted.len().into(),
            b.gpus.into(),
            count(b.bare.len()),
            count(b.empty_dirs.len()),
            count(b.budgets.len()),
            jobs(b).into(),
        ]);
    }
    let (pods, gpus) = nodes.iter().fold((0, 0), |(p, g), (_, b)| (p + b.evicted.len(), g + b.gpus));
    let (pods, gpus) = (podlift_model::count(pods, "pod"), podlift_model::count(gpus, "GPU"));
    let title = format!("Work on the nodes evicts {pods} with {gpus} in all:");
    let more = match nodes.len() - cut {
        0 => String::new(),
        n => format!(
            "{} with less to lose; -v shows {}, and -o json names every pod\n",
            podlift_model::count(n, "more node"),
            podlift_model::agree(n, "it", "them")
        ),
    };
    format!("{title}\n{}\n{more}{}\n", grid.render(screen), unrequested(&nodes, all))
}

/// Pods that use GPUs and are not in the column of GPUs.
fn unrequested(nodes: &[(&NodeName, &Blast)], all: bool) -> String {
    let names: Vec<&str> = nodes.iter().flat_map(|(_, b)| &b.gpu_users).map(String::as_str).collect();
    let cut = if all { names.len() } else { names.len().min(TOP) };
    let more = match names.len() - cut {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    match names.is_empty() {
        true => String::new(),
        false => format!("GPUs are also used without a request by {}{more}\n", names[..cut].join(", ")),
    }
}

/// Sort key: running jobs, then GPUs, then pods that a drain can't move, then all pods.
fn weight(b: &Blast) -> (usize, u32, usize, usize) {
    (b.gangs.len(), b.gpus, b.bare.len() + b.budgets.len(), b.evicted.len())
}

/// An empty cell instead of 0.
fn count(n: usize) -> Cell {
    if n == 0 { Cell::from("-") } else { n.into() }
}

fn jobs(b: &Blast) -> String {
    let one =
        |g: &podlift_engine::program::Gang| format!("{} ({} of {})", g.name, g.here, g.here + g.elsewhere);
    b.gangs.iter().map(one).collect::<Vec<_>>().join(", ")
}
