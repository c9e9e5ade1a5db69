//! The software images of the run: those that were made, who has them, and old ones that nobody uses any more.

use crate::render::folded::folded;
use podlift_engine::view::{ImageReport, Report};
use podlift_model::NodeName;
use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(super) fn images(r: &Report) -> String {
    let Some(bcm) = r.bcm.as_ref().filter(|bcm| !bcm.images.is_empty()) else { return String::new() };
    let mut out = format!(
        "\n## Software images\n\nMade by head node {}.\n\n| old image | new image | role | ready | assigned | written by BCM | categories |\n|---|---|---|---|---|---|---|\n",
        bcm.head
    );
    bcm.images.iter().for_each(|image| out += &row(image));
    out + &rest(&bcm.images)
}

fn row(image: &ImageReport) -> String {
    let ready = if image.ready { "yes" } else { "no" };
    let categories: Vec<&str> = image.categories.iter().map(|c| c.as_str()).collect();
    let (assigned, synced) = (names(&image.assigned), names(&image.synced));
    let categories = if categories.is_empty() { "-".into() } else { categories.join(", ") };
    format!(
        "| {} | {} | {} | {ready} | {assigned} | {synced} | {categories} |\n",
        image.from, image.image, image.role
    )
}

fn names(nodes: &[NodeName]) -> String {
    if nodes.is_empty() { "-".into() } else { folded(nodes) }
}

/// What is not as it shall be in the end, and the images that are left.
fn rest(images: &[ImageReport]) -> String {
    let mut out = String::new();
    for image in images {
        if !image.waiting.is_empty() {
            let _ = writeln!(out, "- {} not assigned to {}", image.image, names(&image.waiting));
        }
        if !image.others.is_empty() {
            let _ = writeln!(
                out,
                "- {} is kept by nodes outside of the run: {}",
                image.from,
                names(&image.others)
            );
        }
    }
    let unused: BTreeSet<&str> =
        images.iter().filter(|image| image.old_unused).map(|image| image.from.as_str()).collect();
    for image in unused {
        let _ = writeln!(
            out,
            "- {image} is used by no node any more. podlift does not remove it: it is the way back (docs/bcm.md)."
        );
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}
