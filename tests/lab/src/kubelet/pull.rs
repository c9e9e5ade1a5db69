//! Images before a pod starts: that of its sandbox and those of its containers. One that is absent is pulled; where that fails the kubelet
//! tries again for as long as the pod is wanted.

use super::files::Manifest;
use crate::world::{What, World};
use std::sync::Arc;
use std::time::Duration;

/// Between two attempts: a pod's worker looks again every 10 to 15 seconds.
const AGAIN: Duration = Duration::from_secs(10);

/// Returns when all images are there.
pub async fn images(world: &Arc<World>, node: &str, manifest: &Manifest) {
    let mut known = None;
    while let Some(image) = missing(world, node, manifest) {
        if world.pull_image(node, &image, None).await.is_ok() {
            continue;
        }
        if known.as_ref() != Some(&image) {
            world.record(node, What::ImageMissing { pod: manifest.name.clone(), image: image.clone() }, None);
            known = Some(image);
        }
        world.sleep(AGAIN).await;
    }
}

/// The sandbox is made first.
fn missing(world: &World, node: &str, manifest: &Manifest) -> Option<String> {
    let mut needed = std::iter::once(world.sandbox_image(node)).chain(manifest.images());
    needed.find(|image| !world.has_image(node, image))
}
