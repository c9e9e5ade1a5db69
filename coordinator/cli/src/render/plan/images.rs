//! Which images the run pulls, and on how many nodes each.

use podlift_engine::program::Program;
use podlift_model::{agree, count};
use std::collections::BTreeMap;

pub(super) fn images(plan: &Program) -> String {
    let Some(upgrade) = plan.goal.upgrade().filter(|u| !u.images.is_empty()) else { return String::new() };
    let mut pulled: BTreeMap<&str, usize> = BTreeMap::new();
    for image in upgrade.images.values().flat_map(|i| &i.pulled) {
        *pulled.entry(image).or_default() += 1;
    }
    let (all, has) = (count(upgrade.images.len(), "node"), agree(upgrade.images.len(), "has", "have"));
    let lines: String =
        pulled.iter().map(|(image, nodes)| format!("  {image} on {nodes} of {all}\n")).collect();
    match lines.is_empty() {
        true => format!("No image is pulled: {all} {has} all that is needed\n\n"),
        false => format!("Pulled before the run disrupts anything:\n{lines}\n"),
    }
}
