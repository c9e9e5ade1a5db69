//! Why a request gets no program at all.

use podlift_model::NodeName;
use podlift_model::version::VersionError;

/// The request itself is wrong: there is no plan, and there are no findings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("node {node} is not in cluster {cluster}: it has {known}")]
    UnknownNode { node: NodeName, cluster: String, known: String },
    #[error(
        "the cluster's version is not known: no API server manifest and no Node object tells it; are the agents connected? See `podlift status`"
    )]
    NoVersion,
    #[error("waiver {check:?} names no check that can be waived: expected one of {known}")]
    UnknownWaiver { check: String, known: String },
    #[error("waiver {0:?} has no reason: write --waive {0}=REASON")]
    NoReason(String),
    #[error(
        "waiver {0:?} has the placeholder as its reason: write in the place of REASON why the exception is right"
    )]
    Placeholder(String),
    #[error("waiver {check:?}: {why}")]
    BadItem { check: String, why: String },
    #[error(
        "--without {node}: it is control plane, and its API server has to come first; podlift node lost {node} shows the commands that take a machine out of the cluster that is gone for good"
    )]
    WithoutServer { node: NodeName },
    #[error(
        "--without {text:?} names no worker and selects none: expected a node's name or a selector of labels, e.g. rack=r7"
    )]
    WithoutNobody { text: String },
    #[error("--without {text:?} is no node of the cluster and no selector: {why}")]
    BadSelector { text: String, why: String },
    #[error(
        "no earlier run has deferred a node that is still to be upgraded: plan without --resume-deferred"
    )]
    NothingDeferred,
    #[error(
        "every deferred node is deferred until a later time, the first of them {node} until {until}: wait until then, or name the node: --node {node}"
    )]
    DeferredUntil { node: NodeName, until: jiff::Timestamp },
    #[error("{option} is 0: expected at least 1")]
    Zero { option: &'static str },
    #[error("--max-unavailable is 0: expected at least 1")]
    NothingAtOnce,
}
