//! Functions that take replies apart and make verdicts.

use super::Assess;
use crate::doors::{ClusterReply, KubeadmConfigView, NodeView, Reply};
use crate::program::{Evidence, StopReason};
use podlift_model::{NodeFacts, OpOutput};

pub fn done(what: impl Into<String>) -> Assess {
    Assess::Done(Evidence::Seen { what: what.into() })
}

/// Only a part is done, and the line of the sign-off stays open.
pub fn partly(what: impl Into<String>) -> Assess {
    Assess::Done(Evidence::Partly { what: what.into() })
}

pub fn blocked(code: &str, message: impl Into<String>, next: impl Into<String>) -> Assess {
    let (message, next) = (message.into(), next.into());
    let (detail, undone) = (String::new(), String::new());
    Assess::Blocked(StopReason { code: code.into(), message, detail, undone, next })
}

/// Verdict for ops whose only evidence is their own outcome, and whose repetition is harmless.
pub fn once(acted: bool, what: &str) -> Assess {
    if acted { done(what) } else { Assess::Ready }
}

/// A reply of a kind that the probe did not request. It is a fault of podlift or of the other side, and the step must not guess around it.
pub fn odd(reply: &Reply) -> Assess {
    let text = format!("{reply:?}");
    blocked(
        "odd-reply",
        format!("unexpected reply to a probe: {}", text.chars().take(200).collect::<String>()),
        "podlift retry",
    )
}

/// The facts in a reply.
pub fn facts(reply: &Reply) -> Option<&NodeFacts> {
    match output(reply)? {
        OpOutput::Facts(facts) => Some(facts),
        _ => None,
    }
}

pub fn output(reply: &Reply) -> Option<&OpOutput> {
    match reply {
        Reply::Node(output) => Some(output),
        _ => None,
    }
}

pub fn cluster(reply: &Reply) -> Option<&ClusterReply> {
    match reply {
        Reply::Cluster(reply) => Some(reply),
        _ => None,
    }
}

/// The Node object in a reply.
pub fn node(reply: &Reply) -> Option<&NodeView> {
    match cluster(reply)? {
        ClusterReply::Node(node) => Some(node),
        _ => None,
    }
}

/// The kubeadm-config in a reply, as it is now.
pub fn config(reply: &Reply) -> Option<&KubeadmConfigView> {
    match cluster(reply)? {
        ClusterReply::KubeadmConfig(config) => Some(config),
        _ => None,
    }
}

pub fn all(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::All(replies) => replies,
        _ => &[],
    }
}
