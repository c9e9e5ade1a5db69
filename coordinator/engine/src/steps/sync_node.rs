//! Lets BCM write the software image to the drained node. No exit code shows that it did: the log has to be newer than the assignment and
//! complete, and the node's own dpkg has to have the packages. While every slot of the provisioners is taken, the step waits.

use super::image_clone::name;
use super::image_packages::PACKAGES;
use super::pins::{pins, version};
use super::reply::{all, blocked, done, facts, odd};
use super::{Assess, Cx, Policy, Step, StepKind, Touches, head, image_provisioners, sync_dry_run};
use crate::doors::{Act, Probe, Reply};
use crate::machine::{StepState, StepStatus};
use crate::program::{Given, Lane, Shared};
use jiff::{SignedDuration, Timestamp};
use podlift_model::bcm::{BcmOp, BcmProvisioning, BcmSync, ImageName, SyncMode};
use podlift_model::op::PackagePin;
use podlift_model::{Look, NodeFacts, NodeName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncNode {
    image: ImageName,
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    pins: Given<Vec<PackagePin>>,
}

/// How far the clocks of the head node and of the coordinator may differ. The dry run before an update has a log of its own.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

impl SyncNode {
    pub fn of(
        image: ImageName,
        versions: &BTreeMap<podlift_model::op::Package, podlift_model::PackageVersion>,
    ) -> Self {
        Self { image, pins: Given::shared(pins(&PACKAGES, versions)) }
    }

    /// The image that BCM writes.
    pub fn image(&self) -> &ImageName {
        &self.image
    }

    /// What of the node is not as the image has it.
    fn wrong(&self, facts: &NodeFacts) -> Option<String> {
        self.pins.iter().find_map(|pin| {
            let there = facts.packages.get(pin.package.name());
            let version = there.and_then(|p| p.version.as_ref());
            match (version == Some(&pin.version), there.is_some_and(|p| p.held)) {
                (true, true) => None,
                (true, false) => Some(format!("package {} is not held", pin.package)),
                (false, _) => Some(format!(
                    "package {} is {}, expected {}",
                    pin.package,
                    version.map_or("not installed".into(), ToString::to_string),
                    pin.version
                )),
            }
        })
    }
}

/// When the run began to assign the image; its own start if the node had the image already.
fn assigned(cx: &Cx) -> Timestamp {
    let node = cx.node();
    let mut steps = cx.state.steps_of(&node);
    steps
        .find(|(spec, _)| matches!(spec.kind, StepKind::AssignImage(_)))
        .and_then(|(_, step)| step.began)
        .unwrap_or(cx.state.started)
}

/// Whether this is the log of an update since the assignment, and no dry run.
fn is_ours(cx: &Cx, log: &BcmSync) -> bool {
    let newer = log.began.is_some_and(|began| began + SKEW >= assigned(cx));
    newer && log.dry_run != Some(true)
}

/// Why the log shows no complete update since the assignment; `None` if it does.
fn incomplete(cx: &Cx, log: &BcmSync) -> Option<String> {
    if let Some(request) = &log.request {
        return Some(format!("BCM says: {request}"));
    }
    if log.began.is_none() && log.mode.is_some() {
        return Some(
            "the time of its log can't be read: its zone is none of the head node's clock (timedatectl)"
                .into(),
        );
    }
    if !is_ours(cx, log) {
        return Some("its log is of a dry run, or older than the assignment of the image".into());
    }
    match (log.completed, log.rsync_code) {
        (true, None | Some(0)) => old_image(cx, log),
        (_, Some(code)) => Some(format!("rsync ended with code {code}")),
        (false, None) => Some("its log does not end with \"Rsync completed.\"".into()),
    }
}

/// A provisioner that was not up to date has sent the old image.
fn old_image(cx: &Cx, log: &BcmSync) -> Option<String> {
    let of = cx.program().bcm.as_ref()?.nodes.get(&cx.node())?;
    let sent = log.image.as_ref()?.trim_end_matches('/').rsplit('/').next()?;
    (of.old != of.image && sent == of.old.as_str()).then(|| format!("BCM has sent the old image {}", of.old))
}

/// The wait while no provisioner has room. Lanes are judged side by side, so each one leaves free slots to those that have waited longer.
fn full(cx: &Cx, state: &BcmProvisioning) -> Option<Assess> {
    let serving: Vec<_> = head::serving(state).collect();
    let slots: u32 = serving.iter().map(|p| p.slots).sum();
    let in_use: u32 = serving.iter().map(|p| p.in_use.min(p.slots)).sum();
    let (open, before) = others(cx);
    let full = !serving.is_empty() && in_use.max(open) + before >= slots;
    full.then(|| {
        Assess::Wait(format!(
            "waits for its turn: all {} of {} are taken",
            podlift_model::count(slots, "slot"),
            podlift_model::count(serving.len(), "provisioner")
        ))
    })
}

/// Writes of other nodes of this phase: those that are under way, and those that have been due for longer than this one. The order of those
/// that are due never changes, so of two lanes that are judged at the same moment one always counts the other.
fn others(cx: &Cx) -> (u32, u32) {
    let phase = cx.program().phases.iter().find(|phase| phase.name == cx.step.phase);
    let lanes = || phase.into_iter().flat_map(|phase| &phase.lanes);
    let mine = lanes().find(|lane| lane.node == cx.step.node).and_then(|lane| write_of(cx, lane));
    let due = mine.and_then(|(_, due)| due);
    let (mut open, mut before) = (0, 0);
    for lane in lanes().filter(|lane| lane.node != cx.step.node) {
        let Some((step, since)) = write_of(cx, lane) else { continue };
        let waits = matches!(step.status, StepStatus::Pending | StepStatus::Waiting { .. });
        open += u32::from(step.is_open());
        before += u32::from(waits && since.is_some_and(|since| due.is_none_or(|due| since < due)));
    }
    (open, before)
}

/// Since when the write of a lane is due: when the step before it ended, and the number of the step.
type Due = (Option<Timestamp>, u32);

/// The step of a lane that writes its node, and since when it is due; `None` within while it is not.
fn write_of<'a>(cx: &Cx<'a>, lane: &Lane) -> Option<(&'a StepState, Option<Due>)> {
    let at = lane.steps.iter().position(|spec| matches!(spec.kind, StepKind::SyncNode(_)))?;
    let before = cx.state.step(&lane.steps[at.checked_sub(1)?].id)?;
    let due = before.is_done().then_some((before.ended, lane.steps[at].number));
    Some((cx.state.step(&lane.steps[at].id)?, due))
}

impl Step for SyncNode {
    fn verb(&self) -> String {
        "sync".into()
    }
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn complete(&mut self, shared: &Shared) {
        self.pins.complete(pins(&PACKAGES, &shared.packages));
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        &["cordon", "checkpoint", "drain", super::assign_image::VERB, "sync-dry-run"]
    }
    fn changes_node(&self) -> bool {
        true
    }
    fn remains(&self) -> Option<String> {
        Some(format!(
            "BCM has written software image {} to nodes; the way back is to assign the old image and to run imageupdate again",
            self.image
        ))
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"), &version())
    }

    fn probe(&self, cx: &Cx) -> Probe {
        let mut looks = vec![cx.look(Look::Facts), head::look(cx, Look::BcmProvisioning)];
        looks.extend(sync_dry_run::looks(cx));
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [first, state, rows, log, lane @ ..] = all(reply) else { return odd(reply) };
        let (Some(facts), Some(state), Some(rows), Some(log)) =
            (facts(first), head::provisioning(state), head::nodes(rows), head::sync(log))
        else {
            return odd(reply);
        };
        let (wrong, incomplete) = (self.wrong(facts), incomplete(cx, log));
        match (incomplete, wrong) {
            (None, None) => written(&self.image, log),
            (Some(why), _) if cx.acted => {
                let message = format!("imageupdate of {} is not proven: {why}", cx.node());
                blocked("bcm-sync-failed", message, "podlift retry")
            }
            (None, Some(why)) if cx.acted => {
                let message = format!(
                    "BCM says that {} was written from {}, and it was not: {why}",
                    cx.node(),
                    self.image
                );
                blocked("bcm-sync-failed", message, "podlift retry")
            }
            _ if is_running(cx, log) => {
                Assess::Wait(format!("an imageupdate of {} is still under way", cx.node()))
            }
            _ => self.before(cx, state, rows, lane),
        }
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::Sync { node: cx.node(), image: self.image.clone() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        // For its turn among other nodes, too.
        Policy { wait: cx.at_least(head::limit(false) * 3), poll: head::POLL, ..cx.policy() }
    }
}

impl SyncNode {
    /// What a write rests on, right before it.
    fn before(
        &self,
        cx: &Cx,
        state: &BcmProvisioning,
        rows: &[podlift_model::bcm::BcmNode],
        lane: &[Reply],
    ) -> Assess {
        if let Some(verdict) = sync_dry_run::lost(cx, &self.image, rows, lane) {
            return verdict;
        }
        let stale = head::stale(state, &self.image);
        if !stale.is_empty() {
            let why = format!("software image {} is not up to date on {}", self.image, stale.join(", "));
            return cx.again(&[&image_provisioners::verb(&self.image)], why);
        }
        full(cx, state).unwrap_or(Assess::Ready)
    }
}

/// Whether an earlier attempt of this step, whose end is not known, is still being worked on.
fn is_running(cx: &Cx, log: &BcmSync) -> bool {
    let begun = is_ours(cx, log) && !log.completed && log.rsync_code.is_none() && log.request.is_none();
    !cx.acted && head::tried(cx) && begun
}

fn written(image: &ImageName, log: &BcmSync) -> Assess {
    let how = match log.mode {
        Some(SyncMode::Full) => ", with a FULL install: the agent's records on it are gone",
        Some(SyncMode::Sync) => ", at a reboot",
        _ => "",
    };
    done(format!("BCM has written software image {image}{how}; its packages are there and held"))
}
