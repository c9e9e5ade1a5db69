//! Removes the pins of podlift from the images, once the node runs with them. Pins of others stay.

use super::reply::once;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageRelease {}

impl Step for ImageRelease {
    fn verb(&self) -> String {
        "image-release".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Facts)
    }

    /// A look can't tell the pins of podlift from those of others, so the op's own outcome is the evidence.
    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx.acted, "podlift pins no image any more")
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::ImageRelease)
    }
}
