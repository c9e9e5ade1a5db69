//! Nodes whose disk comes from a software image of BCM. What is installed on such a node alone is gone at its next sync, so the run upgrades
//! the image. A waiver lets the run upgrade the nodes by packages all the same.

use super::View;
use crate::goals::upgrade::bcm_plan::{Problem, Weight, goes_by_images};
use crate::program::{BCM_IMAGES, Finding, GoalName, Severity, finding, names};
use podlift_model::NodeName;
use std::collections::BTreeSet;

pub fn check(view: &View) -> Vec<Finding> {
    let Some(bcm) = view.input.bcm.as_ref().filter(|_| view.input.goal == GoalName::Upgrade) else {
        return vec![];
    };
    let due: Vec<&NodeName> = view.nodes().map(|n| &n.name).filter(|n| view.chosen(n)).collect();
    let by_image: Vec<NodeName> = match &bcm.nodes {
        Err(why) => return vec![unknown(view, &due, why)],
        Ok(rows) => {
            let imaged: BTreeSet<&NodeName> =
                rows.iter().filter(|row| row.image.is_some()).map(|row| &row.name).collect();
            due.iter().filter(|node| imaged.contains(**node)).map(|node| (*node).clone()).collect()
        }
    };
    if !goes_by_images(view.input) {
        return (!by_image.is_empty()).then(|| off(view, &by_image)).into_iter().collect();
    }
    view.bcm.problems.iter().map(told).collect()
}

fn told(problem: &Problem) -> Finding {
    let severity = match problem.weight {
        Weight::Refuse => Severity::Blocker,
        Weight::Warn => Severity::Warning,
        Weight::Note => Severity::Note,
    };
    finding(BCM_IMAGES, severity, problem.node.as_ref(), problem.evidence.clone(), &problem.next)
}

const GONE: &str = "what is installed on a node alone is gone at its next imageupdate or reboot";

/// The image path is switched off, or waived.
fn off(view: &View, nodes: &[NodeName]) -> Finding {
    let why = match view.input.options.images {
        true => "software images are not upgraded",
        false => "software images are not upgraded ([bcm] images = false)",
    };
    let evidence = format!("BCM writes {} from software images, {why}, and {GONE}", names(nodes));
    finding(BCM_IMAGES, Severity::Blocker, None, evidence, &waived(view))
}

fn unknown(view: &View, due: &[&NodeName], why: &str) -> Finding {
    let due: Vec<NodeName> = due.iter().map(|node| (*node).clone()).collect();
    let evidence = format!(
        "whether BCM writes {} from software images is not known: {why}; if it does, {GONE}",
        names(&due)
    );
    finding(BCM_IMAGES, Severity::Blocker, None, evidence, &waived(view))
}

fn waived(view: &View) -> String {
    format!("{} --waive {BCM_IMAGES}=REASON", view.again())
}
