//! Recognises pods that come back to a cordoned node. Their controllers place them past the scheduler, or they tolerate the cordon. To
//! evict them again would never end.

use super::super::pod::Pod;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const TAINT: &str = "node.kubernetes.io/unschedulable";
/// The scheduler may place a pod for so long after the cordon, because its view of the node is a little old.
const SCHEDULER_LAG: SignedDuration = SignedDuration::from_secs(30);

pub(super) const RETURNS: &str = "it tolerates the cordon and comes back";

/// When the node was cordoned; `None` if the object does not show it, and then no pod is recognised.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cordoned(Option<Timestamp>);

impl Cordoned {
    /// From the taint of the cordon, else from the last write of the writer that set it.
    pub fn of(node: &Value) -> Self {
        if node["spec"]["unschedulable"] != true {
            return Self(None);
        }
        let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let taints = node["spec"]["taints"].as_array();
        let tainted = taints.into_iter().flatten().find(|t| t["key"] == TAINT);
        let written = node["metadata"]["managedFields"].as_array();
        let set = |f: &&Value| f["fieldsV1"]["f:spec"].get("f:unschedulable").is_some();
        let written = written.into_iter().flatten().filter(set);
        let written = written.filter_map(|f| time(&f["time"])).max();
        Self(tainted.and_then(|t| time(&t["timeAdded"])).or(written))
    }

    /// Why the pod would come back, if it was created on the node after the cordon.
    pub fn returning(&self, pod: &Pod) -> Option<&'static str> {
        let (cordoned, created) = (self.0?, pod.created?);
        pod.controller.as_ref()?;
        if pod.tolerates_cordon && created >= cordoned {
            return Some(RETURNS);
        }
        (created >= cordoned + SCHEDULER_LAG)
            .then_some("its controller places it on the node in spite of the cordon")
    }
}
