//! Locks a software image while it changes, so that BCM writes no node from it meanwhile.

use super::image_clone::name;
use super::reply::{blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head, image_clone};
use crate::doors::{Act, Probe, Reply};
use podlift_model::NodeName;
use podlift_model::bcm::{BcmOp, ImageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageLock {
    image: ImageName,
}

impl ImageLock {
    pub fn of(image: ImageName) -> Self {
        Self { image }
    }
}

/// The verb of this step for an image.
pub fn verb(image: &ImageName) -> String {
    format!("image-lock-{image}")
}

/// The verdict for a step that changes an image which is not locked any more, or is gone.
pub fn lost(cx: &Cx, image: &ImageName, seen: Option<&podlift_model::bcm::BcmImage>) -> Option<Assess> {
    match seen {
        None => Some(cx.again(
            &[&image_clone::verb(image), &verb(image)],
            format!("software image {image} is not in BCM any more"),
        )),
        Some(seen) if !seen.locked => {
            Some(cx.again(&[&verb(image)], format!("software image {image} is not locked any more")))
        }
        Some(_) => None,
    }
}

impl Step for ImageLock {
    fn verb(&self) -> String {
        verb(&self.image)
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn makes_image(&self) -> Option<&ImageName> {
        Some(&self.image)
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        head::image_look(cx, &self.image)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        match head::image(reply) {
            None => odd(reply),
            Some(None) => head::gone(&self.image),
            Some(Some(seen)) if seen.locked && !head::tried(cx) => blocked(
                "bcm-image-locked",
                format!(
                    "software image {} is locked, and not by this run: another person or program works in it; wait for its end, or unlock the image",
                    self.image
                ),
                "podlift retry",
            ),
            Some(Some(seen)) if seen.locked => done(format!("software image {} is locked", self.image)),
            Some(Some(_)) if cx.acted => {
                head::no_effect(format!("BCM has locked software image {}, and it is not locked", self.image))
            }
            Some(Some(_)) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::ImageLock { image: self.image.clone() })
    }

    /// A clone that goes away needs no unlock.
    fn undo(&self, cx: &Cx) -> Option<Act> {
        let unlocked = super::image_unlock::is_done(cx, &self.image);
        let goes = super::image_unlock::goes(cx, &self.image);
        (!unlocked && !goes)
            .then(|| head::act(cx, BcmOp::ImageUnlock { image: self.image.clone() }))
            .flatten()
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
