//! Asks BCM what it would write to the node. Nothing of Kubernetes, of the container runtime or of podlift itself may be among it, and many
//! deleted files need a person's attestation.

use super::assign_image::VERB as ASSIGN;
use super::empty::Lane;
use super::image_clone::name;
use super::reply::{all, blocked, done, odd};
use super::{Assess, Cx, Policy, Step, Touches, head};
use crate::doors::{Act, Probe, Reply};
use crate::inventory::NodeRole;
use crate::listed::listed_long;
use crate::program::DIFFERENCES;
use podlift_model::bcm::{BcmNode, BcmOp, BcmSync, ImageName, SyncMode};
use podlift_model::{Look, NodeName, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncDryRun {
    image: ImageName,
}

/// Steps on which a write of the node rests.
pub const RESTS_ON: &[&str] = &["cordon", "checkpoint", "drain", ASSIGN];
/// More deleted files than an upgrade of packages explains.
const DELETES: u32 = 500;
/// Lines in a message.
const SHOWN: usize = 5;
/// Paths that matter only on a node with a member of etcd, as rsync prints them.
const ETCD: &str = "var/lib/etcd";

impl SyncDryRun {
    pub fn of(image: ImageName) -> Self {
        Self { image }
    }
}

/// What the looks before a write of the node ask.
pub fn looks(cx: &Cx) -> Vec<Probe> {
    let node = cx.node();
    let mut looks = vec![head::look(cx, Look::BcmNodes), head::look(cx, Look::BcmSync { node })];
    looks.extend(Lane::of(cx).looks());
    looks
}

/// The verdict if the node has another image than this, or is not drained any more.
pub fn lost(cx: &Cx, image: &ImageName, rows: &[BcmNode], lane: &[Reply]) -> Option<Assess> {
    let node = cx.node();
    let row = rows.iter().find(|row| row.name == node);
    let has = row.and_then(|row| row.image.as_ref());
    if has != Some(image) {
        let is = has.map_or("none", |image| image.as_str());
        let why = format!("BCM has software image {is} for {node}, and the run had given it {image}");
        return Some(cx.again(&[ASSIGN], why));
    }
    Lane::of(cx).lost(cx, lane)
}

/// Lines of the log that matter on this node.
fn touched<'a>(cx: &Cx, log: &'a BcmSync) -> Vec<&'a str> {
    let worker = cx.role() == NodeRole::Worker;
    log.touches.iter().map(String::as_str).filter(|line| !(worker && line.contains(ETCD))).collect()
}

/// The verdict if the log shows that something would be written that may not be.
fn forbidden(cx: &Cx, log: &BcmSync) -> Option<Assess> {
    let touched = touched(cx, log);
    let node = cx.node();
    if log.mode == Some(SyncMode::Full) {
        let message = format!(
            "imageupdate would write {node} whole (mode FULL), and then no exclude list protects anything on it; find out why BCM does not update it: cmsh -c \"device; synclog {node}\"; or leave it out: podlift defer {node}"
        );
        return Some(blocked("sync-full", message, "podlift retry"));
    }
    if !touched.is_empty() {
        let message = format!(
            "imageupdate would delete or change what {node} needs: {}; add these paths to the exclude lists of its category (update and sync)",
            listed_long(touched, SHOWN)
        );
        return Some(blocked("sync-touches", message, "podlift retry"));
    }
    // Another dry run may count some files more or less, and what was accepted is not accepted in any number.
    let least = |number: u32| format!("imageupdate would delete {} or more on {node}", count(number, "file"));
    let about = log.deletes / DELETES * DELETES;
    let accepted =
        [about, about + DELETES].iter().any(|n| cx.state.accepted(&cx.step.id, &least(*n)).is_some());
    (log.deletes > DELETES && !accepted).then(|| {
        let message = format!(
            "{} ({}), and an upgrade of packages deletes few: look at cmsh -c \"device; synclog {node}\". If that is meant: podlift attest {DIFFERENCES} --note WHY && podlift retry",
            least(about),
            count(log.deletes, "file")
        );
        blocked("sync-deletes", message, "podlift retry")
    })
}

impl Step for SyncDryRun {
    fn verb(&self) -> String {
        "sync-dry-run".into()
    }
    /// BCM writes only its log, and the op runs on the head node.
    fn touches(&self) -> Touches {
        Touches::Cluster
    }
    fn agent(&self, cx: &Cx) -> NodeName {
        head::agent(cx)
    }
    fn may_be_deferred(&self) -> bool {
        true
    }
    fn rests_on(&self) -> &'static [&'static str] {
        RESTS_ON
    }
    fn sample() -> Self {
        Self::of(name("dgx-image-new"))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        Probe::All(looks(cx))
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let [rows, log, lane @ ..] = all(reply) else { return odd(reply) };
        let (Some(rows), Some(log)) = (head::nodes(rows), head::sync(log)) else { return odd(reply) };
        if let Some(verdict) = lost(cx, &self.image, rows, lane) {
            return verdict;
        }
        if !cx.acted {
            return Assess::Ready;
        }
        if log.dry_run == Some(false) || !log.completed {
            let what = log
                .request
                .clone()
                .unwrap_or_else(|| "its log does not end with \"Rsync completed.\"".into());
            let message = format!("the dry run of imageupdate on {} has not ended well: {what}", cx.node());
            return blocked("bcm-sync-failed", message, "podlift retry");
        }
        forbidden(cx, log).unwrap_or_else(|| {
            done(format!(
                "imageupdate would write {} and delete {}, none of them protected",
                count(log.changes, "file"),
                count(log.deletes, "file")
            ))
        })
    }

    fn act(&self, cx: &Cx, _reply: &Reply) -> Option<Act> {
        head::act(cx, BcmOp::SyncDryRun { node: cx.node(), image: self.image.clone() })
    }

    fn policy(&self, cx: &Cx) -> Policy {
        Policy { wait: cx.at_least(head::limit(false)), poll: head::POLL, ..cx.policy() }
    }
}
