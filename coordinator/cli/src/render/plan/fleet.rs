//! The nodes of a plan. A large fleet is cut to the nodes that need attention and the number of the others.

use super::super::version;
use crate::out::Screen;
use crate::table::{Cell, Grid};
use anstyle::AnsiColor;
use podlift_engine::program::Program;
use podlift_engine::{NodeEntry, NodeRole};

/// Fleets up to this size are shown in full.
const SMALL: usize = 24;

pub(super) fn nodes(plan: &Program, all: bool, screen: Screen) -> String {
    let mut grid = Grid::new(&["NODE", "ROLE", "KUBELET", "API SERVER", "READY", "AGENT"]);
    let whole = all || plan.inventory.nodes.len() <= SMALL;
    let (shown, rest): (Vec<&NodeEntry>, Vec<&NodeEntry>) =
        plan.inventory.nodes.iter().partition(|n| whole || !ordinary(plan, n));
    for n in shown {
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
    let tail = match rest.len() {
        0 => String::new(),
        n => {
            format!(
                "{} at {}, ready, with their agents connected; -v shows them\n",
                podlift_model::count(n, "more worker"),
                plan.from()
            )
        }
    };
    format!("{}\n{tail}\n", grid.render(screen))
}

/// Whether a node needs no attention.
fn ordinary(plan: &Program, n: &NodeEntry) -> bool {
    let same = n.view.kubelet == Some(plan.from());
    n.role == NodeRole::Worker && n.view.ready && n.facts.is_some() && same
}
