//! Which images this podlift has made. A file of the agent says so from before the copy begins. A file in the finished image says so, too, so
//! that the agent of the other head node knows it after a failover. An image without either is never changed or removed.

use super::super::shared::file_failure;
use super::Cx;
use podlift_model::bcm::ImageName;
use podlift_model::{Failure, codes};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// In the image, and with it on its nodes.
const MARK: &str = "etc/podlift-image.json";

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    pub image: ImageName,
    pub from: ImageName,
    /// Its folder on the head node.
    pub path: String,
    /// The copy was looked at and is complete.
    pub whole: bool,
}

fn record(image: &ImageName) -> PathBuf {
    PathBuf::from(podlift_host::paths::STATE).join("bcm").join(format!("image-{image}.json"))
}

fn mark(path: &str) -> PathBuf {
    PathBuf::from(path).join(MARK)
}

/// The record of an image; `path` is its folder, if BCM has the image. A record of another image in a copy of a copy does not count.
pub fn read(cx: &Cx<'_>, image: &ImageName, path: Option<&str>) -> Option<Own> {
    let files = &cx.node.host.files;
    let places = [Some(record(image)), path.map(mark)];
    let texts = places.into_iter().flatten().filter_map(|place| files.read(&place).ok());
    texts.filter_map(|bytes| serde_json::from_slice::<Own>(&bytes).ok()).find(|own| own.image == *image)
}

/// Writes the record; a complete image gets its own as well.
pub fn write(cx: &Cx<'_>, own: &Own) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(own).unwrap_or_default();
    let in_image = own.whole.then(|| (mark(&own.path), 0o644));
    for (place, mode) in in_image.into_iter().chain([(record(&own.image), 0o600)]) {
        cx.node.host.files.write(&place, &bytes, mode).map_err(|e| file_failure(&place, &e))?;
    }
    Ok(())
}

pub fn remove(cx: &Cx<'_>, image: &ImageName) {
    drop(cx.node.host.files.remove(&record(image)));
}

/// The refusal to change an image of somebody else.
pub fn not_ours(image: &ImageName, what: &str) -> Failure {
    let message = format!(
        "{image} was not {what}: podlift did not make this image, and nodes outside the run may use it; let the plan make a copy (podlift plan), or change it by hand"
    );
    Failure::operator(codes::BCM_IMAGE_NOT_OURS, message)
}
