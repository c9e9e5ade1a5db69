//! What speaks against an image, or has to be known of it, each with the next command.

use super::PACKAGES;
use super::groups::Group;
use crate::program::ImagePlan;
use crate::program::names;
use podlift_model::bcm::{BcmImage, BcmNode, CategoryName, ImageName};
use podlift_model::op::Package;
use podlift_model::{NodeName, PackageVersion, agree, count};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::goals) enum Weight {
    Refuse,
    Warn,
    Note,
}

/// A finding of the check of software images.
#[derive(Debug, Clone)]
pub(in crate::goals) struct Problem {
    pub weight: Weight,
    pub node: Option<NodeName>,
    pub evidence: String,
    pub next: String,
}

fn refuse(node: Option<&NodeName>, evidence: String, next: String) -> Problem {
    Problem { weight: Weight::Refuse, node: node.cloned(), evidence, next }
}

/// The label with the architecture of a node, in the same words as dpkg's.
const ARCH: &str = "kubernetes.io/arch";

/// Packages are installed on the nodes' own disks then, as in a cluster that BCM does not provision.
pub(super) fn no_image_at_all(nodes: usize) -> Problem {
    let evidence = format!(
        "BCM gives none of its {} a software image, so packages are installed on the nodes' own disks; a later sync from an image would take them away",
        count(nodes, "node")
    );
    Problem { weight: Weight::Warn, node: None, evidence, next: "cmsh -c \"device; list\"".into() }
}

pub(super) fn unknown_images(groups: &[Group], why: &str) -> Problem {
    let nodes: Vec<NodeName> = groups.iter().flat_map(Group::nodes).collect();
    let evidence =
        format!("BCM writes {} from software images, and the images are not known: {why}", names(&nodes));
    refuse(None, evidence, "cmsh -c \"softwareimage; list\"".into())
}

pub(super) fn unknown_image(group: &Group, head: &NodeName) -> Problem {
    let evidence = format!(
        "BCM gives {} the software image {}, and does not list that image on {head}",
        names(&group.nodes()),
        group.old
    );
    refuse(None, evidence, "cmsh -c \"softwareimage; list\"".into())
}

pub(super) fn bad_name(group: &Group, why: &str) -> Problem {
    let old = &group.old;
    let evidence = format!("software image {old} can't be cloned: {why}; give it a shorter name");
    refuse(None, evidence, format!("cmsh -c \"softwareimage; use {old}; get name\""))
}

pub(super) fn incomplete(row: &BcmNode) -> Problem {
    let name = &row.name;
    let what = match (&row.category, &row.image) {
        (None, _) => "has no category".to_string(),
        (Some(category), None) => format!("and its category {category} have no software image"),
        (Some(_), Some(_)) => "is not complete".to_string(),
    };
    let evidence = format!(
        "{name} {what} in BCM, so that it is not known what the next sync writes to it: set it in BCM, or leave the node out"
    );
    refuse(Some(name), evidence, format!("cmsh -c \"device use {name}; get category; get softwareimage\""))
}

pub(super) fn other_name(node: &NodeName, other: &NodeName) -> Problem {
    let evidence = format!(
        "Kubernetes has node {node}, and BCM has device {other}: podlift finds the software image of a node by its name, so both have to be the same"
    );
    refuse(Some(node), evidence, "cmsh -c \"device list\"".into())
}

pub(super) fn unlisted(nodes: &[NodeName]) -> Problem {
    let evidence = format!(
        "BCM provisions no node with the {} of {}: packages are installed on {} own disk",
        agree(nodes.len(), "name", "names"),
        names(nodes),
        agree(nodes.len(), "its", "their")
    );
    Problem { weight: Weight::Note, node: None, evidence, next: "cmsh -c \"device list\"".into() }
}

/// What is wrong with the image that the nodes have now.
pub(super) fn of_image(group: &Group, image: &BcmImage) -> Vec<Problem> {
    let name = &image.name;
    let mut out: Vec<Problem> = vec![];
    if image.locked {
        let evidence = format!(
            "software image {name} is locked, so another person or program works in it; wait for the end of that, or unlock the image"
        );
        out.push(refuse(None, evidence, format!("cmsh -q -c \"softwareimage; unlock {name}\"")));
    }
    if !image.inside.is_empty() {
        let evidence = format!(
            "software image {name} is in use on the head node, so that a clone of it would be cut off in the middle of a change: {}",
            image.inside.join(", ")
        );
        out.push(refuse(None, evidence, format!("grep ' {}/' /proc/mounts", image.path)));
    }
    if !image.pins.is_empty() {
        let evidence = format!(
            "apt preferences in software image {name} name packages of Kubernetes, so that apt there would not install the target: {}; take those lines out",
            image.pins.join(", ")
        );
        let next = format!("cm-chroot-sw-img {} 'apt-cache policy kubeadm kubelet kubectl'", image.path);
        out.push(refuse(None, evidence, next));
    }
    let other = |(entry, _): &&(&crate::NodeEntry, &BcmNode)| {
        let (of_node, of_image) = (entry.view.labels.get(ARCH), image.arch.as_ref());
        of_node.zip(of_image).is_some_and(|(node, image)| node != image)
    };
    out.extend(group.members.iter().filter(other).map(|(entry, _)| {
        let node = &entry.name;
        let evidence = format!(
            "software image {name} is of architecture {}, and {node} is of {}",
            image.arch.as_deref().unwrap_or_default(),
            entry.view.labels.get(ARCH).map(String::as_str).unwrap_or_default()
        );
        refuse(Some(node), evidence, format!("cmsh -c \"device use {node}; get softwareimage\""))
    }));
    if !image.agent {
        let evidence = format!(
            "podlift-agent is not in software image {name}: a FULL install takes it from the node, and the run then waits for a person; install it there first"
        );
        let next = format!(
            "deploy/bcm/install-into-image --image {name} --deb podlift-agent_VERSION_amd64.deb --dry-run"
        );
        out.push(Problem { weight: Weight::Warn, node: None, evidence, next });
    }
    out
}

/// The name of a clone is taken. `in_use`: nodes have the image, so it can't be removed.
pub(super) fn taken(image: &BcmImage, packages: &BTreeMap<Package, PackageVersion>, in_use: bool) -> Problem {
    let name = &image.name;
    if image.locked {
        let evidence = format!(
            "software image {name} of the target is locked, and nodes can't be written from it: unlock it"
        );
        return refuse(None, evidence, format!("cmsh -q -c \"softwareimage; unlock {name}\""));
    }
    let has = |p: &Package| {
        let version = image.packages.get(p.name()).and_then(|p| p.version.as_ref());
        format!("{p} {}", version.map_or("unknown".into(), ToString::to_string))
    };
    let wanted = |p: &Package| packages.get(p).map(|v| format!("{p} {v}, held"));
    let (way, next) = match in_use {
        true => ("nodes have it, so install and hold these packages in it while it is locked", "lock"),
        false => ("remove it with its folder once nothing is mounted below it", "remove"),
    };
    let evidence = format!(
        "software image {name} exists, and is not at the target: it has {}, expected {}; podlift changes no image that nodes have or that it has not made: {way}",
        PACKAGES.iter().map(has).collect::<Vec<_>>().join(", "),
        PACKAGES.iter().filter_map(wanted).collect::<Vec<_>>().join(", ")
    );
    let commit = if in_use { "" } else { "; commit" };
    refuse(None, evidence, format!("cmsh -q -c \"softwareimage; {next} {name}{commit}\""))
}

/// Images whose clones would have the same name.
pub(super) fn same_clone(plans: &[ImagePlan]) -> Vec<Problem> {
    let mut of: BTreeMap<&ImageName, BTreeSet<&ImageName>> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| !plan.is_as_it_is()) {
        of.entry(&plan.image).or_default().insert(&plan.from);
    }
    let several = of.into_iter().filter(|(_, from)| from.len() > 1);
    several
        .map(|(image, from)| {
            let from: Vec<&str> = from.into_iter().map(|name| name.as_str()).collect();
            let evidence = format!(
                "nodes of this run have the software images {}, and all of them would become {image}: give these nodes one image, or upgrade them in separate runs (--node)",
                from.join(" and ")
            );
            refuse(None, evidence, "cmsh -c \"softwareimage; list\"".into())
        })
        .collect()
}

const GIB: u64 = 1 << 30;

/// Free space for all clones: each needs the size of its image and a tenth.
pub(super) fn space<'a>(images: impl Iterator<Item = &'a BcmImage>) -> Option<Problem> {
    let images: Vec<&BcmImage> = images.collect();
    let first = images.first()?;
    let next = format!("df -h {}", first.path);
    let unknown: Vec<&str> = images
        .iter()
        .filter(|i| i.size_bytes.is_none() || i.free_bytes.is_none())
        .map(|i| i.name.as_str())
        .collect();
    if !unknown.is_empty() {
        let evidence = format!(
            "whether there is room for clones is not known: size or free space of {} could not be read",
            unknown.join(", ")
        );
        return Some(Problem { weight: Weight::Warn, node: None, evidence, next });
    }
    let need: u64 = images.iter().filter_map(|i| i.size_bytes).map(|size| size + size / 10).sum();
    let free = images.iter().filter_map(|i| i.free_bytes).min()?;
    (free < need).then(|| {
        let evidence = format!(
            "{} of {} needs {} GiB on the head node, and {} GiB are free: remove images that no node uses, or free space",
            agree(images.len(), "a clone", "clones"),
            images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(", "),
            need.div_ceil(GIB),
            free / GIB
        );
        refuse(None, evidence, next)
    })
}

/// Nodes of others that keep the image.
pub(super) fn shared(plan: &ImagePlan) -> Option<Problem> {
    let evidence = format!(
        "software image {} is shared with {} that {} no part of this run and {} it: {}",
        plan.from,
        count(plan.others.len(), "node"),
        agree(plan.others.len(), "is", "are"),
        agree(plan.others.len(), "keeps", "keep"),
        names(&plan.others)
    );
    let next = "cmsh -c \"softwareimage; list\"".into();
    let is = !plan.others.is_empty() && !plan.is_as_it_is();
    is.then_some(Problem { weight: Weight::Note, node: None, evidence, next })
}

/// A category that does not get the new image.
pub(super) fn kept_category(category: &CategoryName, images: &[&ImageName], others: &[NodeName]) -> Problem {
    let why = match others.is_empty() {
        true => format!(
            "its nodes get different images ({})",
            images.iter().map(|i| i.as_str()).collect::<Vec<_>>().join(", ")
        ),
        false => format!(
            "{} of it {} no part of this run: {}",
            count(others.len(), "node"),
            agree(others.len(), "is", "are"),
            names(others)
        ),
    };
    let evidence = format!(
        "category {category} keeps its software image, because {why}. The nodes of this run have the new image as their own value, and a new node of the category gets the old one"
    );
    let next = format!("cmsh -c \"category use {category}; get softwareimage\"");
    Problem { weight: Weight::Note, node: None, evidence, next }
}
