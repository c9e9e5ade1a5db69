//! Which images of the target each chosen node has, and which the run will pull.

use crate::goals::PlanInput;
use crate::inventory::Inventory;
use crate::program::NodeImages;
use podlift_model::NodeName;
use podlift_model::images::{ImagesState, NeededImage, Pullable};
use std::collections::BTreeMap;

/// Nodes whose survey knows their images.
pub(super) fn of(input: &PlanInput, chosen: &Inventory) -> BTreeMap<NodeName, NodeImages> {
    let surveyed = input.surveys.iter().filter_map(|(node, survey)| {
        let images = survey.as_ref().ok()?.images.as_ref().ok()?;
        (chosen.get(node).is_some() && !images.needed.is_empty()).then(|| (node.clone(), one(images)))
    });
    surveyed.collect()
}

fn one(images: &ImagesState) -> NodeImages {
    let names = |which: fn(&NeededImage) -> bool| -> Vec<String> {
        images.needed.iter().filter(|i| which(i)).map(|i| i.image.clone()).collect()
    };
    NodeImages { there: names(|i| i.present), pulled: names(|i| !i.present && i.pull == Some(Pullable::Yes)) }
}
