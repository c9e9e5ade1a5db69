//! Nodes whose exclude lists are the same, because image, category, role and the origin of the image are: one of them is asked for. Pure.

use super::Scope;
use podlift_engine::inventory::NodeRole;
use podlift_model::NodeName;
use podlift_model::bcm::{BcmNode, CategoryName, ImageFrom, ImageName};
use std::collections::{BTreeMap, BTreeSet};

/// What decides the exclude lists of a node.
type Group<'a> = (&'a ImageName, Option<&'a CategoryName>, NodeRole, ImageFrom);

/// The nodes of the run that have a software image, in the order of their names.
pub(super) fn of_scope<'a>(scope: &Scope<'_>, listed: &'a [BcmNode]) -> Vec<&'a BcmNode> {
    let chosen = |name: &NodeName| scope.nodes.is_empty() || scope.nodes.contains(name);
    let mine = |node: &&BcmNode| {
        node.image.is_some() && chosen(&node.name) && scope.inventory.get(&node.name).is_some()
    };
    let mut nodes: Vec<&BcmNode> = listed.iter().filter(mine).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    nodes
}

pub(super) fn images(nodes: &[&BcmNode]) -> BTreeSet<ImageName> {
    nodes.iter().filter_map(|node| node.image.clone()).collect()
}

/// The first node of each group.
pub(super) fn excludes(scope: &Scope<'_>, nodes: &[&BcmNode]) -> Vec<NodeName> {
    let mut first: BTreeMap<Group<'_>, &NodeName> = BTreeMap::new();
    for node in nodes {
        let (Some(image), Some(entry)) = (&node.image, scope.inventory.get(&node.name)) else { continue };
        first.entry((image, node.category.as_ref(), entry.role, node.from)).or_insert(&node.name);
    }
    let nodes: BTreeSet<&NodeName> = first.into_values().collect();
    nodes.into_iter().cloned().collect()
}
