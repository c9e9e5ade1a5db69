//! After kubeadm: checks that this node's own API server serves, from the new image and with the flags on disk, for the whole soak time. A
//! pod phase of Running and kubeadm's exit 0 do not show that (kubelet 1.32 `kubelet_pods.go:1665-1722`).

use super::reply::{blocked, done, odd, output};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{FLAG_LOSS, Given, Shared, StopReason};
use podlift_model::facts::ApiServerState;
use podlift_model::{KubeVersion, Look, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyApi {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    version: Given<KubeVersion>,
}

impl VerifyApi {
    pub fn at(version: KubeVersion) -> Self {
        Self { version: Given::shared(version) }
    }
}

/// Number of ended containers after which waiting does not help.
const RESTARTS: u32 = 2;

impl Step for VerifyApi {
    fn verb(&self) -> String {
        "verify-api".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.version.complete(shared.to);
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("control-plane-upgraded")
    }
    fn sample() -> Self {
        Self::at(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::ApiServer)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(OpOutput::ApiServer(server)) = output(reply) else { return odd(reply) };
        let to = *self.version;
        match server {
            s if s.serves() && s.running == Some(to) && s.flags_match && s.hash_matches != Some(false) => {
                done(format!("{} serves {to} with the flags on disk{}", s.endpoint, closed(s)))
            }
            s if !s.serves() && s.restarts >= RESTARTS && !s.kubeadm_running => crashed(cx, s),
            s if s.serves() => Assess::Wait(format!(
                "{} serves {}{}",
                s.endpoint,
                s.running.map_or("nothing known".into(), |v| v.to_string()),
                if s.hash_matches == Some(false) {
                    ", from another manifest than the one on disk"
                } else {
                    ""
                }
            )),
            s => Assess::Wait(format!("{} is not ready: {}", s.endpoint, s.readyz)),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { soak: Duration::from_secs(cx.program().options.soak_seconds.into()), ..cx.policy() }
    }
}

/// A 401 with the right certificate only shows that the server is alive.
fn closed(server: &ApiServerState) -> &'static str {
    match server.wants_credentials && !server.ready {
        true => "; it wants credentials for /readyz, which this agent has not",
        false => "",
    }
}

fn crashed(cx: &Cx, server: &ApiServerState) -> Assess {
    let exit = server.last_exit.map_or("unknown".into(), |c| c.to_string());
    let last = server.log_tail.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no log line");
    let message = format!(
        "kubeadm ended well, and the API server of {} ({}) does not serve: its container ended {} times, exit code {exit}; its own log says: {last}",
        cx.node(),
        server.endpoint,
        server.restarts
    );
    let next = match cx.state.waived(FLAG_LOSS) {
        Some(_) => "podlift retry --unwaive flag-loss",
        None => "podlift retry",
    };
    match blocked("api-server-down", message, next) {
        Assess::Blocked(reason) => Assess::Blocked(StopReason { detail: server.log_tail.clone(), ..reason }),
        other => other,
    }
}
