//! After kubeadm: is this node's own API server serving, from the new image, with the flags on disk, for as long as the soak asks?
//! A pod phase of Running and kubeadm's exit 0 say nothing of that (kubelet 1.32 `kubelet_pods.go:1665-1722`).

use super::types::{Assess, Cx, Policy, Step, blocked, done, odd, output};
use crate::doors::{Act, Probe, Reply};
use podlift_model::facts::ApiServerState;
use podlift_model::{Look, OpOutput};
use std::time::Duration;

pub struct VerifyApi;

/// A container that ended this often will not start by waiting.
const RESTARTS: u32 = 2;

impl Step for VerifyApi {
    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::ApiServer)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(OpOutput::ApiServer(server)) = output(reply) else { return odd(reply) };
        let to = cx.plan().to;
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

    fn act(&self, _cx: &Cx, _reply: &Reply) -> Option<Act> {
        None
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { soak: Duration::from_secs(cx.plan().options.soak_seconds.into()), ..cx.policy() }
    }
}

/// 401 from the right certificate says that it is alive, and no more.
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
    let next = match cx.state.waived(crate::plan::checks::FLAG_LOSS) {
        Some(_) => "podlift retry --unwaive flag-loss",
        None => "podlift retry",
    };
    match blocked("api-server-down", message, next) {
        Assess::Blocked(reason) => {
            Assess::Blocked(crate::machine::StopReason { detail: server.log_tail.clone(), ..reason })
        }
        other => other,
    }
}
