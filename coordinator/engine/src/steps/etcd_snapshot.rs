//! Makes a snapshot of etcd's whole store and of each store of single resources. Each snapshot is verified by its own content.

use super::reply::{blocked, done, odd};
use super::stores::{backup, lacking, look};
use super::{Assess, Cx, Step, Touches};
use crate::doors::{Act, Probe, Reply};
use podlift_model::HostOp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EtcdSnapshot {}

impl Step for EtcdSnapshot {
    fn verb(&self) -> String {
        "etcd-snapshot".into()
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

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(state) = backup(reply) else { return odd(reply) };
        match &state.snapshot {
            Some(_) if state.overrides.values().any(|s| !s.verified) => {
                damaged(cx, "a snapshot of a store of single resources")
            }
            Some(_) if !cx.acted && lacking(cx, &[state]).is_some() => Assess::Ready,
            Some(s) if s.verified => {
                done(format!("revision {}, {} bytes, sha256 {}", s.revision, s.bytes, s.sha256.short()))
            }
            Some(_) => damaged(cx, "the etcd snapshot"),
            None => Assess::Ready,
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        cx.host(HostOp::EtcdSnapshot { run: cx.state.run.clone() })
    }
}

fn damaged(cx: &Cx, what: &str) -> Assess {
    let text = format!(
        "{what} on {} does not have the hash that it ends with: another run makes another",
        cx.node()
    );
    blocked("snapshot-damaged", text, "podlift abort")
}
