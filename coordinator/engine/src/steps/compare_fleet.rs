//! Compares, at the very end, certificates, addresses, hardware, mounts and Calico with their records from before the run. The step waits
//! for what comes back late. A lasting difference stops the run, which continues only if an operator attests that it is intended.

use super::reply::{all, cluster, odd, output};
use super::soften::soften;
use super::{Assess, Cx, Policy, Step, Touches};
use crate::analysis::{compare, first_unseen, seen_of};
use crate::doors::{ClusterLook, ClusterReply, Probe, Reply};
use crate::inventory::NodeRole;
use crate::listed::listed_long;
use crate::machine::Accepted;
use crate::program::{DIFFERENCES, Evidence, Finding, Given, Recorded, Severity, Shared};
use podlift_model::survey::NodeSurvey;
use podlift_model::{KubeVersion, Look, NodeName, OpOutput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompareFleet {
    #[serde(default, skip_serializing_if = "Given::is_shared")]
    to: Given<KubeVersion>,
}

impl CompareFleet {
    pub fn to(version: KubeVersion) -> Self {
        Self { to: Given::shared(version) }
    }
}

/// Time between two comparisons.
const POLL: Duration = Duration::from_secs(30);
/// Maximum number of differences in a reason.
const NAMED: usize = 5;

impl Step for CompareFleet {
    fn verb(&self) -> String {
        "compare".into()
    }
    fn touches(&self) -> Touches {
        Touches::Nothing
    }
    fn complete(&mut self, shared: &Shared) {
        self.to.complete(shared.to);
    }
    fn sign_off(&self, _role: NodeRole) -> Option<&'static str> {
        Some("as-recorded")
    }
    fn sample() -> Self {
        Self::to(KubeVersion::new(1, 32, 9))
    }

    fn probe(&self, cx: &Cx) -> Probe {
        if recorded(cx).is_empty() {
            return Probe::All(vec![]);
        }
        let mut looks = vec![Probe::Cluster(ClusterLook::Survey { endpoints: cx.api_servers() })];
        let look = Look::Survey { to: *self.to };
        looks.extend(asked(cx).into_iter().map(|node| Probe::Node(node, look.clone())));
        Probe::All(looks)
    }

    fn assess(&self, cx: &Cx, reply: &Reply) -> Assess {
        let before = recorded(cx);
        if before.is_empty() {
            return compared("nothing was recorded that could be compared".into(), vec![]);
        }
        let [first, nodes @ ..] = all(reply) else { return odd(reply) };
        let Some(ClusterReply::Survey(seen)) = cluster(first) else { return odd(reply) };
        let surveys: Vec<(NodeName, &NodeSurvey)> =
            asked(cx).into_iter().zip(nodes.iter().filter_map(survey)).collect();
        if surveys.len() != nodes.len() {
            return odd(reply);
        }
        let after = seen_of(Ok(seen), surveys.iter().map(|(n, s)| (n, *s)));
        if let Some(why) = first_unseen(&before, &after) {
            return Assess::Wait(why);
        }
        judge(cx, compare(&before, &after))
    }

    /// A survey is costly for the API and the agents, so the step looks rarely.
    fn policy(&self, cx: &Cx) -> Policy {
        Policy { poll: POLL, ..cx.policy() }
    }
}

fn judge(cx: &Cx, mut found: Vec<Finding>) -> Assess {
    soften(cx, &mut found);
    let bad: Vec<&Finding> = found.iter().filter(|f| f.severity == Severity::Blocker).collect();
    if bad.is_empty() {
        let what = match found.len() {
            0 => "all that was recorded is as it was".to_string(),
            n => format!(
                "all that was recorded is there; {} without harm",
                podlift_model::count(n, "difference")
            ),
        };
        return compared(what, found);
    }
    let all = podlift_model::count(bad.len(), "difference");
    let text = format!("{all} from before the run: {}", listed_long(bad.iter().map(|f| line(f)), NAMED));
    match cx.state.accepted(&cx.step.id, &text) {
        Some(a) => compared(format!("{text}. Accepted by {}{}", a.by, note(a)), found),
        None => Assess::Wait(format!(
            "{text}. First: {}. If they are meant: podlift attest {DIFFERENCES} --note WHY && podlift retry",
            bad[0].next
        )),
    }
}

fn compared(what: String, findings: Vec<Finding>) -> Assess {
    Assess::Done(Evidence::Compared { what, findings })
}

fn line(f: &Finding) -> String {
    f.node.as_ref().map_or(f.evidence.clone(), |n| format!("{n}: {}", f.evidence))
}

fn note(a: &Accepted) -> String {
    if a.note.is_empty() { String::new() } else { format!(" ({})", a.note) }
}

/// Nodes of this run with records that only their agents can check.
fn asked(cx: &Cx) -> Vec<NodeName> {
    let before = recorded(cx);
    let mounts = before.mounts.iter().filter(|(_, m)| m.is_ok()).map(|(n, _)| n);
    let devices = before.infiniband.iter().filter(|(_, d)| d.is_ok()).map(|(n, _)| n);
    let nodes: BTreeSet<&NodeName> = mounts.chain(devices).collect();
    nodes.into_iter().cloned().collect()
}

/// The records without the nodes that the run has left out, because podlift is not responsible for changes on them.
fn recorded(cx: &Cx) -> Recorded {
    let mut out = cx.program().recorded.clone();
    let here = |node: &NodeName| cx.program().chosen(node) && !cx.state.goes_without(node);
    out.retain_nodes(here);
    out
}

fn survey(reply: &Reply) -> Option<&NodeSurvey> {
    match output(reply)? {
        OpOutput::Survey(survey) => Some(survey),
        _ => None,
    }
}
