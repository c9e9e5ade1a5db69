//! Fetches the node's package lists.

use super::reply::once;
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::{HostOp, Look};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AptUpdate {}

impl Step for AptUpdate {
    fn verb(&self) -> String {
        "apt-update".into()
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

    fn assess(&self, cx: &Cx, _reply: &Reply) -> Assess {
        once(cx.acted, "package lists fetched")
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::AptUpdate)
    }
}
