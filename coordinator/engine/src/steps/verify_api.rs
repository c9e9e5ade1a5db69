//! After kubeadm, and again after the kubelet's restart: checks that this node's own kube-apiserver, kube-controller-manager and
//! kube-scheduler serve, from the new image and with the flags on disk, for the whole soak time. A pod phase of Running and kubeadm's exit 0
//! do not show that (kubelet 1.32 `kubelet_pods.go:1665-1722`), and a new kubelet makes its static pods anew.

use super::reply::{blocked, done, odd, output, partly};
use super::{Assess, Cx, Policy, Step, Touches};
use crate::doors::{Probe, Reply};
use crate::inventory::NodeRole;
use crate::program::{Given, Shared, StopReason, Waiver};
use podlift_model::components::ComponentState;
use podlift_model::op::Component;
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
/// The kubelet waits at most five minutes before it starts a container again (`MaxContainerBackOff`, kubelet `kubelet.go`); the rest is for
/// the start itself.
const BACK_OFF: Duration = Duration::from_secs(330);

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
    fn verifies_api_server(&self) -> bool {
        true
    }
    fn brings_settings(&self) -> bool {
        true
    }
    fn sample() -> Self {
        Self::at(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        cx.look(Look::Components)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let Some(OpOutput::Components(states)) = output(reply) else { return odd(reply) };
        let of = |c: &Component| states.iter().find(|s| s.component == *c).ok_or(*c);
        let all: Result<Vec<&ComponentState>, Component> = Component::ALL.iter().map(of).collect();
        let all = match all {
            Ok(all) => all,
            Err(absent) => {
                return Assess::Wait(format!("{absent}: the node has no manifest or container of it"));
            }
        };
        if let Some(dead) = all.iter().find(|s| has_crashed(s)) {
            return match retried(cx) {
                false => crashed(cx, dead),
                true => Assess::Wait(format!("{}; the kubelet starts it again", death(cx, dead))),
            };
        }
        match all.iter().find_map(|s| problem(s, *self.version)) {
            Some(why) => Assess::Wait(why),
            None => served(&all, *self.version),
        }
    }

    fn policy(&self, cx: &Cx) -> Policy {
        let soak = Duration::from_secs(cx.program().options.soak_seconds.into());
        let policy = Policy { soak, ..cx.policy() };
        if retried(cx) { Policy { wait: policy.wait.min(BACK_OFF), ..policy } } else { policy }
    }
}

/// All three components serve. What could not be compared leaves the line of the sign-off open.
fn served(all: &[&ComponentState], version: KubeVersion) -> Assess {
    let names: Vec<String> = all.iter().map(|s| named(s)).collect();
    let what = format!("{} serve {version} with the flags on disk{}", names.join(", "), closed(all));
    let unseen = all.iter().filter(|s| s.hash_matches.is_none());
    let unseen: Vec<&str> = unseen.map(|s| s.component.name()).collect();
    match unseen.is_empty() {
        true if closed(all).is_empty() => done(what),
        true => partly(what),
        false => partly(format!(
            "{what}; whether {} runs from the manifest on disk could not be seen",
            unseen.join(", ")
        )),
    }
}

/// The component with its container, so that a restart between two looks is seen.
fn named(s: &ComponentState) -> String {
    let id = s.container.as_deref().unwrap_or_default();
    match id.is_empty() {
        true => s.component.name().into(),
        false => format!("{} ({})", s.component.name(), id.chars().take(12).collect::<String>()),
    }
}

/// A retry waits for the kubelet's next start of a component that had ended before.
fn retried(cx: &Cx) -> bool {
    cx.state.step(&cx.step.id).is_some_and(|s| s.retried)
}

fn has_crashed(s: &ComponentState) -> bool {
    !s.serves() && s.restarts >= RESTARTS && !s.kubeadm_running
}

/// What is not as it should be yet; `None` if the component is right.
fn problem(s: &ComponentState, to: KubeVersion) -> Option<String> {
    let (name, at) = (s.component, &s.endpoint);
    if !s.serves() {
        let (what, answer) = match s.ready && s.object_read == Some(false) {
            true => ("is ready, and does not serve objects yet", &s.object_answer),
            false => ("is not ready", &s.answer),
        };
        return Some(format!("{name} at {at} {what}: {answer}"));
    }
    if s.running != Some(to) {
        let running = s.running.map_or("no known version".into(), |v| v.to_string());
        return Some(format!("{name} at {at} serves {running}"));
    }
    if s.hash_matches == Some(false) {
        return Some(format!("{name} at {at} serves {to}, from another manifest than the one on disk"));
    }
    (!s.flags_match).then(|| format!("{name} at {at} serves {to}, with other flags than those on disk"))
}

/// A 401 with the right certificate only shows that the component is alive.
fn closed(all: &[&ComponentState]) -> String {
    let closed = all.iter().filter(|s| s.wants_credentials && !s.ready);
    let names: Vec<&str> = closed.map(|s| s.component.name()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "; {}: the health endpoint requires credentials that this agent has not",
            names.join(", ")
        ),
    }
}

fn death(cx: &Cx, s: &ComponentState) -> String {
    let exit = s.last_exit.map_or("unknown".into(), |c| c.to_string());
    let last = s.log_tail.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no log line");
    format!(
        "{} of {} ({}) does not serve: its container has had {}, exit code {exit}; its own log says: {last}",
        s.component,
        cx.node(),
        s.endpoint,
        podlift_model::count(s.restarts, "restart")
    )
}

fn crashed(cx: &Cx, s: &ComponentState) -> Assess {
    let code = match s.component {
        Component::KubeApiserver => "api-server-down",
        _ => "component-down",
    };
    // The waiver of another node's loss has not caused this.
    let mine = cx.node();
    let covers = |w: &&Waiver| match w.item() {
        None => w.is_of_losses(),
        Some((node, _)) => node == mine.as_str(),
    };
    let next = match cx.state.waivers.iter().find(covers) {
        Some(waiver) => format!("podlift retry --unwaive {}", waiver.check),
        None => "podlift retry".into(),
    };
    match blocked(code, death(cx, s), next) {
        Assess::Blocked(reason) => Assess::Blocked(StopReason { detail: s.log_tail.clone(), ..reason }),
        other => other,
    }
}
