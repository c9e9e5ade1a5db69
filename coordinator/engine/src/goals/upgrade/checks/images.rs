//! The images that each node needs for the target are on it or can be pulled, the runtime's own sandbox image is there, and the kubelet is
//! not about to remove unused images: what is staged in the evening has to be there at night.

use super::View;
use crate::program::{Finding, IMAGES, Severity, UNKNOWN_IMAGES, finding};
use podlift_model::NodeName;
use podlift_model::images::{ImageFilesystem, ImageRole, ImagesState, NeededImage, Pullable};

pub const ID: &str = IMAGES;

pub fn check(view: &View) -> Vec<Finding> {
    let chosen = view.surveys().filter(|(node, _)| view.chosen(node));
    let seen = chosen.filter_map(|(node, survey)| Some((node, survey.images.as_ref().ok()?)));
    seen.flat_map(|(node, images)| of_node(node, images)).collect()
}

fn of_node(node: &NodeName, images: &ImagesState) -> Vec<Finding> {
    let absent = images.needed.iter().filter(|i| !i.present).filter_map(|i| absent(node, i));
    let full = match &images.filesystem {
        Ok(filesystem) => full(node, filesystem),
        Err(why) => Some(unseen(node, &format!("the image filesystem can't be read: {why}"))),
    };
    absent.chain(full).chain(images.unseen.iter().map(|what| unseen(node, what))).collect()
}

fn absent(node: &NodeName, image: &NeededImage) -> Option<Finding> {
    let (severity, why) = match &image.pull {
        Some(Pullable::Yes) | None if image.role != ImageRole::Sandbox => return None,
        Some(Pullable::Yes) | None => (
            Severity::Warning,
            "the runtime needs it for every pod, and has to pull it in the middle of the run",
        ),
        Some(Pullable::No(why)) => (Severity::Blocker, why.as_str()),
        Some(Pullable::Unknown(why)) => (Severity::Warning, why.as_str()),
    };
    let evidence = format!("image {} is not on the node: {why}; load it or mirror it first", image.image);
    let next = format!("ssh {node} ctr -n k8s.io images pull {}", image.image);
    Some(finding(ID, severity, Some(node), evidence, &next))
}

fn unseen(node: &NodeName, what: &str) -> Finding {
    let evidence = format!("{UNKNOWN_IMAGES}: {what}");
    finding(ID, Severity::Warning, Some(node), evidence, &format!("ssh {node} crictl images"))
}

fn full(node: &NodeName, f: &ImageFilesystem) -> Option<Finding> {
    let evidence = format!(
        "the image filesystem is {} % full, and the kubelet removes unused images from {} % on: images that are staged for the run would be among them; free space first",
        f.used_percent, f.high_threshold_percent
    );
    let next = format!("ssh {node} 'crictl rmi --prune; df -h /var/lib/containerd'");
    f.collects().then(|| finding(ID, Severity::Blocker, Some(node), evidence, &next))
}
