//! The nodes of a plan. A large fleet is cut to the nodes that need attention and the number of the others.

use super::super::version;
use crate::out::Screen;
use crate::table::{Cell, Grid};
use anstyle::AnsiColor;
use podlift_engine::program::Program;
use podlift_engine::{NodeEntry, NodeRole};
use podlift_model::{agree, count};

/// Fleets up to this size are shown in full, and of a larger one no more than so many nodes.
const SMALL: usize = 24;

pub(super) fn nodes(plan: &Program, all: bool, screen: Screen) -> String {
    let mut grid = Grid::new(&["NODE", "ROLE", "KUBELET", "API SERVER", "READY", "AGENT"]);
    let whole = all || plan.inventory.nodes.len() <= SMALL;
    let (mut shown, rest): (Vec<&NodeEntry>, Vec<&NodeEntry>) =
        plan.inventory.nodes.iter().partition(|n| whole || !ordinary(plan, n));
    if !whole {
        // The control plane is never cut.
        shown.sort_by_key(|n| n.role);
    }
    let cut = if whole { shown.len() } else { shown.len().min(SMALL) };
    for n in &shown[..cut] {
        let good = |yes: bool| if yes { AnsiColor::Green } else { AnsiColor::Red };
        let (ready, agent) = (n.view.ready, n.facts.is_some());
        grid.row(vec![
            Cell::from(&n.name),
            Cell::from(n.role),
            version(n.view.kubelet).into(),
            version(n.api_server_version()).into(),
            Cell::coloured(if ready { "yes" } else { "no" }, Some(good(ready))),
            Cell::coloured(if agent { "connected" } else { "missing" }, Some(good(agent))),
        ]);
    }
    let more = match shown.len() - cut {
        0 => String::new(),
        n => format!(
            "{} not Ready, without an agent or at another version; -v shows {}\n",
            count(n, "more node"),
            agree(n, "it", "them")
        ),
    };
    let tail = match rest.len() {
        0 => String::new(),
        n => {
            let (workers, them) = (count(n, "more worker"), agree(n, "it", "them"));
            format!("{workers} at {}, ready, with a connected agent; -v shows {them}\n", plan.from())
        }
    };
    format!("{}\n{more}{tail}\n", grid.render(screen))
}

/// Whether a node needs no attention.
fn ordinary(plan: &Program, n: &NodeEntry) -> bool {
    let same = n.view.kubelet == Some(plan.from());
    n.role == NodeRole::Worker && n.view.ready && n.facts.is_some() && same
}
