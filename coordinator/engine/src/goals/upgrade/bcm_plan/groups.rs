//! Nodes of the run by the image that they have and by their role.

use super::refuse::{self, Problem};
use crate::inventory::{NodeEntry, NodeRole};
use crate::program::{BcmPlan, ImagePlan, NodeImage};
use podlift_model::NodeName;
use podlift_model::bcm::{BcmNode, CategoryName, ImageName};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that get one image.
pub(super) struct Group<'a> {
    pub old: ImageName,
    pub role: NodeRole,
    /// In order of their names, each with BCM's row.
    pub members: Vec<(&'a NodeEntry, &'a BcmNode)>,
}

impl Group<'_> {
    pub fn nodes(&self) -> Vec<NodeName> {
        self.members.iter().map(|(entry, _)| entry.name.clone()).collect()
    }
}

/// The groups of those nodes that BCM lists. A node that it does not list gets packages on its own disk.
pub(super) fn of<'a>(
    members: &[&'a NodeEntry],
    rows: &'a [BcmNode],
    problems: &mut Vec<Problem>,
) -> Vec<Group<'a>> {
    if rows.iter().all(|row| row.image.is_none()) {
        problems.extend((!rows.is_empty()).then(|| refuse::no_image_at_all(rows.len())));
        return vec![];
    }
    let by_name: BTreeMap<&NodeName, &BcmNode> = rows.iter().map(|row| (&row.name, row)).collect();
    let mut out: BTreeMap<(ImageName, NodeRole), Group> = BTreeMap::new();
    let mut unlisted: Vec<NodeName> = vec![];
    for entry in members.iter().copied() {
        let Some(row) = by_name.get(&entry.name).copied() else {
            match other_name(&entry.name, rows) {
                Some(other) => problems.push(refuse::other_name(&entry.name, other)),
                None => unlisted.push(entry.name.clone()),
            }
            continue;
        };
        let Some(old) = row.image.as_ref().filter(|_| row.category.is_some()) else {
            problems.push(refuse::incomplete(row));
            continue;
        };
        let group = Group { old: old.clone(), role: entry.role, members: vec![] };
        out.entry((old.clone(), entry.role)).or_insert(group).members.push((entry, row));
    }
    if !out.is_empty() && !unlisted.is_empty() {
        problems.push(refuse::unlisted(&unlisted));
    }
    out.into_values().collect()
}

/// BCM's device of the same machine under another name: one of both names is the other with a domain.
fn other_name<'a>(node: &NodeName, rows: &'a [BcmNode]) -> Option<&'a NodeName> {
    let short = |name: &NodeName| name.as_str().split('.').next().unwrap_or_default().to_string();
    rows.iter().map(|row| &row.name).find(|name| *name != node && short(name) == short(node))
}

/// `mine` are all nodes of the run that go through an image, whatever their role is.
pub(super) fn plan(
    group: &Group,
    image: &ImageName,
    rows: &[BcmNode],
    mine: &BTreeSet<NodeName>,
) -> ImagePlan {
    let others =
        rows.iter().filter(|row| row.image.as_ref() == Some(&group.old) && !mine.contains(&row.name));
    ImagePlan {
        from: group.old.clone(),
        image: image.clone(),
        role: group.role,
        categories: vec![],
        others: others.map(|row| row.name.clone()).collect(),
        nodes: group.nodes(),
    }
}

/// Gives the categories to the images: a category whose every node gets one image has that image at the end. A category with other nodes
/// keeps what it has.
pub(super) fn give_categories(plan: &mut BcmPlan, rows: &[BcmNode], problems: &mut Vec<Problem>) {
    let mut of: BTreeMap<&CategoryName, BTreeMap<&ImageName, Vec<NodeName>>> = BTreeMap::new();
    for (node, image) in &plan.nodes {
        if let Some(category) = &image.category {
            of.entry(category).or_default().entry(&image.image).or_default().push(node.clone());
        }
    }
    let mut given: BTreeMap<ImageName, Vec<CategoryName>> = BTreeMap::new();
    for (category, images) in of {
        let all = rows.iter().filter(|row| row.category.as_ref() == Some(category));
        let others: Vec<&BcmNode> = all.filter(|row| !plan.nodes.contains_key(&row.name)).collect();
        match images.into_keys().collect::<Vec<_>>().as_slice() {
            // Others that have the image already were given it by an earlier run.
            [image] if others.iter().all(|row| row.image.as_ref() == Some(*image)) => {
                given.entry((*image).clone()).or_default().push(category.clone());
            }
            images => {
                let names: Vec<NodeName> = others.into_iter().map(|row| row.name.clone()).collect();
                problems.push(refuse::kept_category(category, images, &names));
            }
        }
    }
    for image in &mut plan.images {
        image.categories = given.remove(&image.image).unwrap_or_default();
    }
}

pub(super) fn nodes<'a>(
    group: &'a Group,
    image: &'a ImageName,
) -> impl Iterator<Item = (NodeName, NodeImage)> + 'a {
    group.members.iter().map(|(entry, row)| {
        let old = group.old.clone();
        let of = NodeImage { image: image.clone(), old, category: row.category.clone(), from: row.from };
        (entry.name.clone(), of)
    })
}
