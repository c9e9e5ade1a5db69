//! BCM makes a node equal to its image, deletions included, except for what its exclude lists name. They have to keep Kubernetes, the container
//! runtime and podlift itself, at an imageupdate and at a reboot.

use super::View;
use crate::inventory::NodeRole;
use crate::program::{Finding, Severity, finding};
use podlift_model::NodeName;
use podlift_model::bcm::{BcmExcludes, OF_IMAGE, PROTECTED};
use std::collections::{BTreeMap, BTreeSet};

pub const ID: &str = "bcm-excludes";

/// Only a node with a member of etcd has data there.
const ETCD: &str = "/var/lib/etcd";

/// Nodes with the same lists: image, category, and role.
type Key<'a> = (&'a str, Option<&'a str>, NodeRole);

pub fn check(view: &View) -> Vec<Finding> {
    let (Some(bcm), Some(plan)) = (&view.input.bcm, &view.bcm.plan) else { return vec![] };
    let mut groups: BTreeMap<Key, Vec<&NodeName>> = BTreeMap::new();
    for (node, image) in &plan.nodes {
        let Some(entry) = view.input.inventory.get(node) else { continue };
        let category = image.category.as_ref().map(|c| c.as_str());
        groups.entry((image.old.as_str(), category, entry.role)).or_default().push(node);
    }
    // A group of which the run takes no node waits for nothing.
    groups.retain(|_, members| members.iter().any(|node| view.chosen(node)));
    let of = |(key, members): (&Key, &Vec<&NodeName>)| {
        let asked = members.iter().filter_map(|node| Some((*node, bcm.excludes.get(*node)?)));
        let asked: Vec<_> = asked.collect();
        match asked.is_empty() {
            true => vec![unknown(members[0], "BCM was not asked for them")],
            false => asked.into_iter().filter_map(|(node, seen)| one(view, key, node, seen)).collect(),
        }
    };
    groups.iter().flat_map(of).collect()
}

fn one(view: &View, key: &Key, node: &NodeName, seen: &Result<BcmExcludes, String>) -> Option<Finding> {
    match seen {
        Err(why) => Some(unknown(node, why)),
        Ok(lists) => open(view, key, node, lists),
    }
}

fn unknown(node: &NodeName, why: &str) -> Finding {
    let evidence = format!(
        "what an imageupdate or a reboot of {node} would delete is not known: its exclude lists can't be read: {why}"
    );
    let next = format!("cmsh -c \"device use {node}; excludelist get update /; excludelist get sync /\"");
    finding(ID, Severity::Blocker, Some(node), evidence, &next)
}

fn open(view: &View, (image, category, role): &Key, node: &NodeName, lists: &BcmExcludes) -> Option<Finding> {
    let images = view.input.bcm.as_ref().and_then(|bcm| bcm.images.as_ref().ok());
    let seen = images.and_then(|all| all.iter().find(|i| i.name.as_str() == *image));
    let agent = seen.is_some_and(|image| image.agent);
    let matters = |path: &&&str| {
        let of_others = **path == ETCD && *role == NodeRole::Worker;
        let of_image = agent && OF_IMAGE.contains(*path);
        !of_others && !of_image
    };
    let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in PROTECTED.iter().filter(matters) {
        for list in lists.open(path) {
            lacking.entry(list).or_default().push(path);
        }
    }
    let what: BTreeSet<&str> = lacking.values().flatten().copied().collect();
    if what.is_empty() {
        return None;
    }
    let of = category.map_or(format!("device {node}"), |category| format!("category {category}"));
    let snippets: Vec<String> = lacking.iter().map(|(list, paths)| snippet(list, paths, &of)).collect();
    let evidence = format!(
        "BCM would make {} of {node} equal to image {image}, deletions included: {}",
        what.into_iter().collect::<Vec<_>>().join(", "),
        snippets.join("; ")
    );
    Some(finding(ID, Severity::Blocker, Some(node), evidence, &edit(&lacking, &of)))
}

/// BCM's property with the list.
fn property(list: &str) -> &'static str {
    match list {
        "sync" => "excludelistsyncinstall",
        _ => "excludelistupdate",
    }
}

/// The lines to add, as they stand in an exclude list.
fn snippet(list: &str, paths: &[&str], of: &str) -> String {
    let lines: Vec<String> = paths.iter().map(|path| format!("- {path}")).collect();
    format!("add to {} of {of} the lines `{}`", property(list), lines.join("`, `"))
}

/// cmsh opens an editor with the list.
fn edit(lacking: &BTreeMap<&str, Vec<&str>>, of: &str) -> String {
    let sets: Vec<String> = lacking.keys().map(|list| format!("set {}", property(list))).collect();
    let (mode, name) = of.split_once(' ').unwrap_or(("category", of));
    format!("cmsh -c \"{mode} use {name}; {}; commit\"", sets.join("; "))
}
