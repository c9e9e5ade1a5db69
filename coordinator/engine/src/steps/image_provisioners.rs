//! Sends a software image to every provisioner. CMDaemon does not count changes that were made in the image's folder, so what it says of an
//! image before this step shows nothing. BCM may have failed over since the packages were installed, so this head node's copy is looked at.

use super::image_clone::name;
use super::reply::{all, done, odd, partly};
use super::{Assess, Cx, Policy, Step, Touches, head, image_packages};
use crate::doors::{Act, Probe, Reply};
use podlift_model::bcm::{BcmOp, ImageName};
use podlift_model::{Look, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageProvisioners {
    image: ImageName,
}

impl ImageProvisioners {
    pub fn of(image: ImageName) -> Self {
        Self { image }
    }
}

/// The verb of this step for an image.
pub fn verb(image: &ImageName) -> String {
    format!("image-provisioners-{image}")
}

impl Step for ImageProvisioners {
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
        Probe::All(vec![head::look(cx, Look::BcmProvisioning), head::image_look(cx, &self.image)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [state, image] = all(reply) else { return odd(reply) };
        let (Some(state), Some(image)) = (head::provisioning(state), head::image(image)) else {
            return odd(reply);
        };
        if !cx.acted {
            let lost = || image_packages::lost(cx, &self.image, image);
            return head::tasks(state).or_else(lost).unwrap_or(Assess::Ready);
        }
        let stale = head::stale(state, &self.image);
        if !stale.is_empty() {
            return Assess::Wait(format!(
                "software image {} is not up to date on {}",
                self.image,
                stale.join(", ")
            ));
        }
        let serving: Vec<_> = head::serving(state).collect();
        let known = serving.iter().filter(|p| p.up_to_date.is_some()).count();
        match known == serving.len() {
            true => done(format!(
                "software image {} is up to date on {}",
                self.image,
                podlift_model::count(serving.len(), "provisioner")
            )),
            false => partly(format!(
                "software image {} was sent to all provisioners; BCM does not say which of them have it",
                self.image
            )),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::Provisioners { image: self.image.clone() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: head::limit(false), poll: head::POLL, ..cx.policy() }
    }
}
