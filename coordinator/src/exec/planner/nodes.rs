//! What agents are asked when a plan is made: all of them at once up to a number, each with a time limit of its own, so that one that hangs
//! delays a plan and never holds it up.

use super::{Counts, Planner, Told, odd};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use podlift_engine::inventory::{Inventory, NodeEntry};
use podlift_model::facts::{EtcdState, PackageOffer};
use podlift_model::survey::NodeSurvey;
use podlift_model::{KubeVersion, Look, NodeFacts, NodeName, OpOutput};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many agents are asked at once: what they answer is held in memory only once it is read.
const AT_ONCE: usize = 256;

/// One question to many nodes.
struct Question<'a> {
    /// For people.
    what: &'static str,
    look: &'a Look,
    /// Besides the one that every observation has.
    limit: Option<Duration>,
}

impl Planner {
    /// Fresh facts of every connected agent, and when they came; of one that does not answer now, none.
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
                |why: &String| tracing::warn!(%node, why, "no facts: the plan takes this agent for absent");
            told.inspect_err(absent).ok()
        });
        facts.collect()
    }

    /// What a survey has told already is not asked for again.
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

/// Of those whose agent has told its facts.
fn names<'a>(nodes: impl Iterator<Item = &'a NodeEntry>) -> Vec<NodeName> {
    nodes.filter(|n| n.facts.is_some()).map(|n| n.name.clone()).collect()
}
