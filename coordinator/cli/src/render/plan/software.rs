//! The software images of BCM that the run prepares, and what it writes into BCM's books at its end.

use crate::out::Screen;
use crate::render::folded::{folded, within};
use crate::table::{Cell, Grid};
use podlift_engine::program::{BcmPlan, ImagePlan, Program};
use podlift_model::{NodeName, agree, count};

/// Characters for the names of nodes without -v, and categories that are named then.
const NAMES: usize = 40;
const CATEGORIES: usize = 3;

pub(super) fn software(plan: &Program, all: bool, screen: Screen) -> String {
    let Some(bcm) = &plan.bcm else { return String::new() };
    images(bcm, all, screen) + &books(bcm)
}

fn images(bcm: &BcmPlan, all: bool, screen: Screen) -> String {
    if bcm.images.is_empty() {
        return String::new();
    }
    let mut grid = Grid::with_tail(&["OLD IMAGE", "NEW IMAGE", "ROLE", "NODES", "ABOUT"]);
    for of in &bcm.images {
        grid.row(vec![
            Cell::from(&of.from),
            Cell::from(&of.image),
            of.role.into(),
            of.nodes.len().into(),
            about(of, all).into(),
        ]);
    }
    let title = format!("Software images, prepared by head node {} before any node is drained:", bcm.head);
    let stays = "Only clones are changed. Old images stay, as the way back; podlift removes none.";
    format!("{title}\n{}\n{stays}\n\n", grid.render(screen))
}

/// `dgx[030-033]; category dgx-h100 gets it at the end; 2 nodes outside of the run keep dgx-image: node[055-056]`.
fn about(of: &ImagePlan, all: bool) -> String {
    let mut parts = vec![names(&of.nodes, all)];
    if of.is_as_it_is() {
        parts.push("it has the packages already and is used as it is".into());
    } else {
        parts.push(categories(of, all));
    }
    if !of.others.is_empty() {
        let (nodes, keep) = (count(of.others.len(), "node"), agree(of.others.len(), "keeps", "keep"));
        parts.push(format!("{nodes} outside of the run {keep} {}: {}", of.from, names(&of.others, all)));
    }
    parts.join("; ")
}

fn categories(of: &ImagePlan, all: bool) -> String {
    let names: Vec<&str> = of.categories.iter().map(|category| category.as_str()).collect();
    let cut = if all { names.len() } else { names.len().min(CATEGORIES) };
    let more = match names.len() - cut {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    match names.as_slice() {
        [] => format!("no category gets it, so that new nodes get {}", of.from),
        [one] => format!("category {one} gets it at the end"),
        _ => format!("categories {}{more} get it at the end", names[..cut].join(", ")),
    }
}

fn names(nodes: &[NodeName], all: bool) -> String {
    if all { folded(nodes) } else { within(nodes, NAMES) }
}

/// What BCM has to know when the run is over.
fn books(bcm: &BcmPlan) -> String {
    let version = bcm.version.as_ref().map(|version| format!("the version becomes {version}"));
    let learned = bcm.learn_config.then(|| "it reads the new kubeadm-config".to_string());
    let books: Vec<String> = version.into_iter().chain(learned).collect();
    match books.is_empty() {
        true => String::new(),
        false => format!("In BCM at the end: {}.\n\n", books.join(", ")),
    }
}
