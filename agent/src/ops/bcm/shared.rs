//! Checks and messages that several ops of a head node share.

use super::{Cx, own};
use podlift_model::bcm::{BcmImage, ImageName};
use podlift_model::{Failure, codes};
use podlift_tools::bcm::chroot::Place;
use podlift_tools::bcm::image;

/// The image as it is now.
pub async fn image(cx: &Cx<'_>, name: &ImageName) -> Result<BcmImage, Failure> {
    image::find(&cx.node.host, name).await?.ok_or_else(|| missing(name))
}

pub fn missing(name: &ImageName) -> Failure {
    let message = format!(
        "BCM has no software image {name}; see cmsh -c \"softwareimage; list\", then podlift retry or plan again"
    );
    Failure::operator(codes::BCM_MISSING, message)
}

/// The failure for a change that did not happen. `said` is what the tool printed.
pub fn no_effect(what: &str, said: &str) -> Failure {
    let message = format!(
        "{what}, although BCM's tool ended; its own words are below: mend what they name, then podlift retry"
    );
    Failure::operator(codes::BCM_NO_EFFECT, message).with_detail(said)
}

/// The image, if it may be changed: it is podlift's own, it is locked, and nothing is mounted or runs in it.
pub async fn changeable(cx: &Cx<'_>, name: &ImageName, what: &str) -> Result<BcmImage, Failure> {
    let found = image(cx, name).await?;
    match own::read(cx.node, name) {
        None => return Err(own::not_ours(name, what)),
        Some(own) if !own.whole => {
            let message = format!(
                "{name} was not {what}: its copy from {} was interrupted and is not complete; podlift retry makes it again",
                own.from
            );
            return Err(Failure::operator(codes::BCM_MISSING, message));
        }
        Some(_) => {}
    }
    if !found.locked {
        let message = format!(
            "{name} was not {what}: it is not locked, so that a node that reboots now would get half of the change; cmsh -c \"softwareimage lock {name}\", then podlift retry"
        );
        return Err(Failure::operator(codes::BCM_IMAGE_UNLOCKED, message));
    }
    match found.inside.is_empty() {
        true => Ok(found),
        false => Err(image::left(&found.path, &found.inside)),
    }
}

pub fn place(image: &BcmImage) -> Place {
    Place { path: image.path.clone(), arch: image.arch.clone() }
}
