//! Questions to the agents for a plan. They run concurrently up to a limit. Each has its own time limit, so that an agent that hangs delays
//! a plan but does not block it.

use super::{Counts, Planner, Told, odd};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use podlift_engine::inventory::{Inventory, NodeEntry};
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::survey::NodeSurvey;
use podlift_model::{KubeVersion, Look, NodeFacts, NodeName, OpOutput};
use std::collections::BTreeMap;
use std::time::Duration;

/// Concurrent questions. An answer takes memory only once it is read.
const AT_ONCE: usize = 256;

/// One question to many nodes.
struct Question<'a> {
    /// The name of the question, for people.
    what: &'static str,
    look: &'a Look,
    /// An additional time limit, besides the one of every observation.
    limit: Option<Duration>,
}

impl Planner {
    /// Fresh facts of every connected agent, with their time of arrival. An agent that does not answer now is left out.
    pub(super) async fn facts(&self, counts: &Counts) -> Vec<(NodeFacts, Timestamp)> {
        let seen = self.performer.agents.seen();
        let there: Vec<NodeName> =
            seen.into_iter().filter(|n| n.connected).map(|n| n.facts.node.clone()).collect();
        let question = Question { what: "facts of nodes", look: &Look::Facts, limit: None };
        let answers = self.ask(there, question, counts, |output| match output {
            OpOutput::Facts(facts) => Some((*facts, self.clock.now())),
            _ => None,
        });
        let facts = answers.await.into_iter().filter_map(|(node, told)| {
            let absent =
                |why: &String| tracing::warn!(%node, why, "no facts: the plan treats this agent as absent");
            told.inspect_err(absent).ok()
        });
        facts.collect()
    }

    /// Asks only for what the surveys do not contain already.
    pub(super) async fn offers(
        &self,
        inventory: &Inventory,
        to: KubeVersion,
        surveys: &BTreeMap<NodeName, Told<NodeSurvey>>,
        counts: &Counts,
    ) -> BTreeMap<NodeName, Told<Vec<PackageOffer>>> {
        let told = surveys.iter().filter_map(|(node, survey)| Some((node.clone(), Ok(surveyed(survey)?))));
        let mut out: BTreeMap<_, _> = told.collect();
        let others = names(inventory.nodes.iter()).into_iter().filter(|n| !out.contains_key(n)).collect();
        let question = Question { what: "packages on offer", look: &Look::Packages { to }, limit: None };
        let asked = self.ask(others, question, counts, |output| match output {
            OpOutput::Packages(offers) => Some(offers),
            _ => None,
        });
        out.extend(asked.await);
        out
    }

    pub(super) async fn etcd(
        &self,
        inventory: &Inventory,
        counts: &Counts,
    ) -> BTreeMap<NodeName, Told<EtcdState>> {
        let question = Question { what: "etcd", look: &Look::EtcdHealth, limit: None };
        self.ask(names(inventory.control_planes()), question, counts, |output| match output {
            OpOutput::Etcd(state) => Some(state),
            _ => None,
        })
        .await
    }

    pub(super) async fn surveys(
        &self,
        inventory: &Inventory,
        to: KubeVersion,
        counts: &Counts,
    ) -> BTreeMap<NodeName, Told<NodeSurvey>> {
        let limit = Some(self.survey_timeout);
        let question = Question { what: "surveys of nodes", look: &Look::Survey { to }, limit };
        self.ask(names(inventory.nodes.iter()), question, counts, |output| match output {
            OpOutput::Survey(survey) => Some(*survey),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        nodes: Vec<NodeName>,
        question: Question<'_>,
        counts: &Counts,
        pick: impl Fn(OpOutput) -> Option<T>,
    ) -> BTreeMap<NodeName, Told<T>> {
        let Question { what, look, limit } = question;
        counts.begin(what, nodes.len());
        let pick = &pick;
        let looks = nodes.into_iter().map(|node| async move {
            let told = self.told(&node, look, limit).await;
            counts.one(what);
            let told = told.and_then(|output| pick(output).ok_or_else(|| odd("an observation")));
            (node, told)
        });
        futures_util::stream::iter(looks).buffer_unordered(AT_ONCE).collect().await
    }

    async fn told(&self, node: &NodeName, look: &Look, limit: Option<Duration>) -> Told<OpOutput> {
        let asked = self.performer.agents.observe(node, look);
        let answer = match limit {
            None => asked.await,
            Some(limit) => match tokio::time::timeout(limit, asked).await {
                Ok(answer) => answer,
                Err(_) => return Err(format!("its agent did not answer within {} s", limit.as_secs_f32())),
            },
        };
        answer.map_err(|failure| failure.message)
    }
}

fn surveyed(survey: &Told<NodeSurvey>) -> Option<Vec<PackageOffer>> {
    let install = survey.as_ref().ok()?.install.as_ref().ok()?;
    (!install.offers.is_empty()).then(|| install.offers.clone())
}

/// The nodes whose agents have sent their facts.
fn names<'a>(nodes: impl Iterator<Item = &'a NodeEntry>) -> Vec<NodeName> {
    nodes.filter(|n| n.facts.is_some()).map(|n| n.name.clone()).collect()
}
