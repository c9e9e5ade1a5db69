//! The rules of one group of workers, in a line.

use super::rules::window;
use crate::render::duration;
use podlift_engine::program::{Group, Order};
use podlift_model::{agree, count};

/// `group h100 (gpu=h100): at most 2 unavailable at once; 1 node goes first, the others 30 m 00 s after it`.
pub(super) fn group(group: &Group) -> String {
    let limit = format!("at most {} unavailable at once", group.max_unavailable);
    let windows = group.windows.iter().map(|w| format!("its nodes begin {}", window(w)));
    let order = group.order.map(|order| match order {
        Order::LeastLoss => "those that lose least go first".to_string(),
        Order::AsPlanned => "in the order of their names".to_string(),
    });
    let failed = group.max_failed.map(|most| {
        let have = agree(most, "has", "have");
        format!("its other nodes are left out when {} {have} failed", count(most, "node"))
    });
    let parts = std::iter::once(limit).chain(first(group)).chain(windows).chain(order).chain(failed);
    let name = match members(group) {
        of if of.is_empty() => group.name.clone(),
        of => format!("{} ({of})", group.name),
    };
    format!("group {name}: {}", parts.collect::<Vec<_>>().join("; "))
}

/// `gpu=h100, category dgx-h100`.
fn members(group: &Group) -> String {
    let category = group.category.as_ref().map(|name| format!("category {name}"));
    group.selector.clone().into_iter().chain(category).collect::<Vec<_>>().join(", ")
}

/// The group's own canary.
fn first(group: &Group) -> Option<String> {
    let (first, goes) = (count(group.canary, "node"), agree(group.canary, "goes", "go"));
    let after = agree(group.canary, "it", "them");
    match (group.canary, group.canary_soak_seconds) {
        (0, _) => None,
        (_, 0) => Some(format!("{first} {goes} first, the others after {after}")),
        (_, soak) => {
            Some(format!("{first} {goes} first, the others {} after {after}", duration(soak as f64)))
        }
    }
}
