//! Makes the clone of a software image for the target. The image that nodes have now is never changed. An image of the clone's name that this
//! run has not made is left as it is.

use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, StepKind, Touches, head};
use crate::doors::{Act, Probe, Reply};
use crate::program::StepSpec;
use podlift_model::bcm::{BcmOp, ImageName};
use podlift_model::{Look, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageClone {
    from: ImageName,
    image: ImageName,
    /// The clone was there when the plan was made, and had the target's packages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    there: bool,
    /// The image is of another architecture than the usual head node's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    slow: bool,
}

impl ImageClone {
    pub fn of(from: ImageName, image: ImageName, there: bool, slow: bool) -> Self {
        Self { from, image, there, slow }
    }

    /// Whether the image has to stay: a node was written from it in this run, or keeps it after an abort.
    fn is_used(&self, cx: &Cx) -> bool {
        let tried = |spec: &StepSpec| cx.state.step(&spec.id).is_some_and(|step| step.attempts > 0);
        cx.program().steps().filter(|spec| tried(spec)).any(|spec| match &spec.kind {
            StepKind::SyncNode(sync) => *sync.image() == self.image,
            StepKind::AssignImage(assign) if *assign.image() == self.image => {
                let cx = Cx { state: cx.state, step: spec, ahead: 0, acted: true };
                assign.undo(&cx).is_none()
            }
            _ => false,
        })
    }
}

/// The verb of this step for an image.
pub fn verb(image: &ImageName) -> String {
    format!("image-clone-{image}")
}

impl Step for ImageClone {
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
    fn remains(&self) -> Option<String> {
        Some(format!(
            "software image {} stays if a node was written from it or is assigned to it; {} is as it was",
            self.image, self.from
        ))
    }
    fn sample() -> Self {
        Self::of(name("dgx-image"), name("dgx-image-new"), false, false)
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(vec![head::image_look(cx, &self.image), head::look(cx, Look::BcmProvisioning)])
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [image, state] = all(reply) else { return odd(reply) };
        let (Some(image), Some(state)) = (head::image(image), head::provisioning(state)) else {
            return odd(reply);
        };
        match image {
            None if cx.acted => head::no_effect(format!(
                "BCM has cloned {}, and does not list {}: look at `cmsh -c \"task; list\"` on the head node",
                self.from, self.image
            )),
            None => Assess::Ready,
            Some(_) if !self.there && !head::tried(cx) => blocked(
                "bcm-image-exists",
                format!(
                    "software image {} has been made since the plan was made, and not by this run: the run leaves it as it is; abort it and plan again, and the plan says whether the image can be used",
                    self.image
                ),
                "podlift abort",
            ),
            Some(image) => head::tasks(state).unwrap_or_else(|| {
                done(format!("software image {} is there, in {}", image.name, image.path))
            }),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::ImageClone { from: self.from.clone(), image: self.image.clone() })
    }

    /// Only a clone that this run has made, and that no node was written from.
    fn undo(&self, cx: &Cx) -> Option<Act> {
        let made = !self.there && !self.is_used(cx);
        made.then(|| head::act(cx, BcmOp::ImageRemove { image: self.image.clone() })).flatten()
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: head::limit(self.slow), poll: head::POLL, ..cx.policy() }
    }
}

/// A name for samples.
pub(super) fn name(text: &str) -> ImageName {
    ImageName::new(text).unwrap_or_else(|e| unreachable!("{e}"))
}
