//! The steps of software images and of BCM's books, for the order of a run.

use super::bcm_plan::Drawn;
use crate::goals::draft::Draft;
use crate::program::{BcmPlan, ImagePlan, Shared};
use crate::steps::{
    AssignImage, BcmVersion, CategoryImage, ImageClone, ImageLock, ImagePackages, ImageProvisioners,
    ImageSource, ImageUnlock, LearnConfig, StepKind, SyncDryRun, SyncNode,
};
use podlift_model::NodeName;
use podlift_model::bcm::{CategoryName, ImageName};
use std::collections::BTreeSet;

/// The images are made before the first node is disrupted.
pub(super) fn images(drawn: &Drawn, shared: &Shared) -> Draft {
    let plans = drawn.plan.iter().flat_map(|bcm| &bcm.images);
    // Nodes that have the clone of an earlier run already need none of its steps besides.
    let cloned: BTreeSet<&ImageName> = plans.clone().filter(|p| !p.is_as_it_is()).map(|p| &p.image).collect();
    let mut known: BTreeSet<&ImageName> = BTreeSet::new();
    let due = plans.filter(|p| !(p.is_as_it_is() && cloned.contains(&p.image)));
    let steps: Vec<StepKind> =
        due.filter(|p| known.insert(&p.image)).flat_map(|p| of_image(p, drawn, shared)).collect();
    Draft {
        name: "images",
        title: "Software images",
        why: "a node whose disk comes from an image keeps only what the image has; a clone is made for the target, and no node is disrupted by it",
        parallel: 1,
        lanes: vec![(None, steps)],
    }
}

fn of_image(plan: &ImagePlan, drawn: &Drawn, shared: &Shared) -> Vec<StepKind> {
    let image = || plan.image.clone();
    if plan.is_as_it_is() {
        return vec![ImageProvisioners::of(image()).into()];
    }
    let (there, slow) = (drawn.there.contains(&plan.image), drawn.slow.contains(&plan.image));
    if there {
        // It may be of somebody else, and then podlift changes nothing in it.
        return vec![
            ImageClone::of(plan.from.clone(), image(), there, slow).into(),
            ImagePackages::of(image(), &shared.packages, slow).into(),
            ImageProvisioners::of(image()).into(),
        ];
    }
    vec![
        ImageClone::of(plan.from.clone(), image(), there, slow).into(),
        ImageLock::of(image()).into(),
        ImageSource::of(image(), shared.to).into(),
        ImagePackages::of(image(), &shared.packages, slow).into(),
        ImageProvisioners::of(image()).into(),
        ImageUnlock::of(image()).into(),
    ]
}

/// The image of a node, if it goes through one.
pub(super) fn image_of<'a>(drawn: &'a Drawn, node: &NodeName) -> Option<&'a ImageName> {
    Some(&drawn.plan.as_ref()?.nodes.get(node)?.image)
}

/// The image that a node gets besides its packages: a control-plane node, or one that is at the target.
pub(super) fn assign(drawn: &Drawn, node: &NodeName) -> Option<StepKind> {
    image_of(drawn, node).map(|image| AssignImage::of(image.clone()).into())
}

/// How a drained worker gets its packages.
pub(super) fn sync(image: &ImageName, shared: &Shared) -> [StepKind; 3] {
    [
        AssignImage::of(image.clone()).into(),
        SyncDryRun::of(image.clone()).into(),
        SyncNode::of(image.clone(), &shared.packages).into(),
    ]
}

/// BCM's own books, when all nodes are verified.
pub(super) fn books(drawn: &Drawn) -> Draft {
    let steps = drawn.plan.as_ref().map(book_steps).unwrap_or_default();
    Draft {
        name: "bcm",
        title: "BCM's books",
        why: "what BCM keeps of the cluster decides what it writes to nodes later, so it has to agree with what runs",
        parallel: 1,
        lanes: vec![(None, steps)],
    }
}

fn book_steps(bcm: &BcmPlan) -> Vec<StepKind> {
    // kubeadm has written the new version into kubeadm-config since the first time.
    let learn: Option<StepKind> = bcm.learn_config.then(|| LearnConfig {}.into());
    let mut given: BTreeSet<&CategoryName> = BTreeSet::new();
    let categories = bcm.images.iter().flat_map(|plan| plan.categories.iter().map(move |c| (c, &plan.image)));
    let categories = categories.filter(|(category, _)| given.insert(category)).map(|(category, image)| {
        let nodes = bcm.nodes.iter().filter(|(_, n)| n.category.as_ref() == Some(category));
        CategoryImage::of(category.clone(), image.clone(), nodes.map(|(node, _)| node.clone()).collect())
            .into()
    });
    let categories: Vec<StepKind> = categories.collect();
    let version: Option<StepKind> = bcm.version.is_some().then(|| BcmVersion {}.into());
    learn.into_iter().chain(categories).chain(version).collect()
}
