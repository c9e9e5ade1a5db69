//! Unlocks a software image that is ready, so that BCM writes nodes from it.

use super::image_clone::name;
use super::reply::{done, odd};
use super::{Assess, Cx, Policy, Step, StepKind, Touches, head};
use crate::doors::{Act, Probe, Reply};
use podlift_model::NodeName;
use podlift_model::bcm::{BcmOp, ImageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageUnlock {
    image: ImageName,
}

impl ImageUnlock {
    pub fn of(image: ImageName) -> Self {
        Self { image }
    }
}

/// Whether the run has unlocked the image.
pub(super) fn is_done(cx: &Cx, image: &ImageName) -> bool {
    let mine = |kind: &StepKind| matches!(kind, StepKind::ImageUnlock(step) if step.image == *image);
    cx.program().steps().any(|s| mine(&s.kind) && cx.state.step(&s.id).is_some_and(|step| step.is_done()))
}

/// Whether the undo of the clone removes the image.
pub(super) fn goes(cx: &Cx, image: &ImageName) -> bool {
    cx.program().steps().any(|spec| {
        let StepKind::ImageClone(clone) = &spec.kind else { return false };
        let tried = cx.state.step(&spec.id).is_some_and(|step| step.attempts > 0);
        spec.kind.step().verb() == super::image_clone::verb(image) && tried && clone.undo(cx).is_some()
    })
}

impl Step for ImageUnlock {
    fn verb(&self) -> String {
        format!("image-unlock-{}", self.image)
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
            Some(Some(seen)) if !seen.locked => done(format!("software image {} is not locked", self.image)),
            Some(Some(_)) if cx.acted => {
                head::no_effect(format!("BCM has unlocked software image {}, and it is locked", self.image))
            }
            Some(Some(_)) => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::ImageUnlock { image: self.image.clone() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: head::POLL, ..cx.policy() }
    }
}
