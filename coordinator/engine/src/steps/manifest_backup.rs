//! Copies the static pod manifests into the node's own store. A copy is written once.

use super::reply::{done, odd};
use super::stores::{backup, has_manifests, look};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::HostOp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestBackup {}

impl Step for ManifestBackup {
    fn verb(&self) -> String {
        "manifest-backup".into()
    }
    fn touches(&self) -> Touches {
        Touches::Backup
    }
    fn sample() -> Self {
        Self {}
    }

    fn probe(&self, cx: &Cx) -> Probe {
        look(cx)
    }

    fn assess(&self, _cx: &Cx, reply: &Reply) -> Assess {
        match backup(reply) {
            Some(state) if has_manifests(state) => done(podlift_model::count(state.files.len(), "file")),
            Some(_) => Assess::Ready,
            None => odd(reply),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::ManifestBackup { run: cx.state.run.clone() })
    }
}
