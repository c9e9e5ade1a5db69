//! Points the apt source in a software image at the repository of the target's minor.

use super::image_clone::name;
use super::reply::{done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head, image_lock};
use crate::doors::{Act, Probe, Reply};
use crate::program::{Given, Shared};
use podlift_model::bcm::{BcmOp, ImageName};
use podlift_model::{KubeVersion, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageSource {
    image: ImageName,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl ImageSource {
    pub fn of(image: ImageName, to: KubeVersion) -> Self {
        Self { image, to: Given::shared(to) }
    }
}

/// The verb of this step for an image.
pub fn verb(image: &ImageName) -> String {
    format!("image-source-{image}")
}

impl Step for ImageSource {
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
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"), KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        head::image_look(cx, &self.image)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(seen) = head::image(reply) else { return odd(reply) };
        let minor = self.to.minor();
        match seen {
            Some(seen) if seen.source == Some(minor) => {
                done(format!("software image {} has the repository of {minor}", self.image))
            }
            Some(seen) if cx.acted => head::no_effect(format!(
                "the apt source in software image {} was changed, and is of {}: expected {minor}; look for a second source in {}/etc/apt",
                self.image,
                seen.source.map_or("no single minor".into(), |m| m.to_string()),
                seen.path
            )),
            seen => image_lock::lost(cx, &self.image, seen).unwrap_or(Assess::Ready),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::ImageSource { image: self.image.clone(), minor: self.to.minor() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
