//! Which images this podlift has made. A record says so from before the copy begins: on the head node's disk, and on the file system that the
//! active head node mounts, so that the agent of the other head node knows it after a failover. An image without a record is never changed or
//! removed. An image whose copy is not known as complete does not count as an image.

use super::super::shared::file_failure;
use crate::node::Node;
use podlift_model::bcm::ImageName;
use podlift_model::{Failure, codes};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// On the active head node only.
const SHARED: &str = "/cm/shared/podlift";

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

fn places(image: &ImageName) -> [PathBuf; 2] {
    let name = format!("image-{image}.json");
    [Path::new(podlift_host::paths::STATE).join("bcm").join(&name), Path::new(SHARED).join(&name)]
}

/// The record of an image. The shared one counts where it can be read: after a failover and back the local one is old.
pub fn read(node: &Node, image: &ImageName) -> Option<Own> {
    let [local, shared] = places(image);
    let text = |place: &Path| node.host.files.read(place).ok();
    let bytes = match text(&shared) {
        None if is_shared(node) => return None,
        None => text(&local)?,
        Some(bytes) => bytes,
    };
    serde_json::from_slice::<Own>(&bytes).ok().filter(|own| own.image == *image)
}

fn is_shared(node: &Node) -> bool {
    node.host.files.stat(Path::new(SHARED)).is_ok()
}

/// Writes the record. Where no folder is shared, a failover makes the image one of somebody else.
pub fn write(node: &Node, own: &Own) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(own).unwrap_or_default();
    let [local, shared] = places(&own.image);
    node.host.files.write(&local, &bytes, 0o600).map_err(|e| file_failure(&local, &e))?;
    if let Err(error) = node.host.files.write(&shared, &bytes, 0o600) {
        if is_shared(node) {
            return Err(file_failure(&shared, &error));
        }
        tracing::warn!(file = %shared.display(), %error, "the other head node will not know this image after a failover");
    }
    Ok(())
}

pub fn remove(node: &Node, image: &ImageName) {
    for place in places(image) {
        drop(node.host.files.remove(&place));
    }
}

/// Whether a copy was begun and is not known as complete.
pub fn is_half(node: &Node, image: &ImageName) -> bool {
    read(node, image).is_some_and(|own| !own.whole)
}

/// Whether podlift has made the image.
pub fn is_own(node: &Node, image: &ImageName) -> bool {
    read(node, image).is_some()
}

/// The refusal to change an image of somebody else.
pub fn not_ours(image: &ImageName, what: &str) -> Failure {
    let message = format!(
        "{image} was not {what}: podlift did not make this image, and nodes outside the run may use it; let the plan make a copy (podlift plan), or change it by hand"
    );
    Failure::operator(codes::BCM_IMAGE_NOT_OURS, message)
}
