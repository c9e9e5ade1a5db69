//! What the issues are judged by.

use super::Writer;
use crate::doors::SecretView;
use crate::survey::ClusterSurvey;
use jiff::Timestamp;
use podlift_model::NodeName;
use podlift_model::components::ComponentState;
use podlift_model::heal::HealEvent;
use podlift_model::survey::Seen;
use std::collections::BTreeMap;

/// A time in which an API endpoint did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    pub endpoint: String,
    pub from: Timestamp,
    pub why: String,
    /// `None` if it lasts.
    pub to: Option<Timestamp>,
}

/// Everything that was seen. What nobody looked at is empty.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    pub survey: &'a ClusterSurvey,
    /// Components of each control-plane node, from its agent.
    pub components: BTreeMap<NodeName, Seen<Vec<ComponentState>>>,
    /// Heals of the manifests, oldest first.
    pub heals: Vec<HealEvent>,
    /// Outages of the API endpoints, oldest first.
    pub outages: Vec<Down>,
    /// Advertised address of each control-plane node's API server.
    pub endpoints: BTreeMap<NodeName, String>,
    /// Secrets that were asked for, by `namespace/name`.
    pub secrets: BTreeMap<String, Seen<SecretView>>,
    /// Who wrote an object last, or deleted it, by the object's text (`service runai/proxy`).
    pub writers: BTreeMap<String, Writer>,
    /// Pod of Calico (`namespace/name`) to the time of its creation, over the last ten minutes: pods that are gone are in it.
    pub calico_pods: BTreeMap<String, Timestamp>,
    pub now: Timestamp,
}

impl<'a> Observed<'a> {
    /// The survey alone.
    pub fn of(survey: &'a ClusterSurvey, now: Timestamp) -> Self {
        Self {
            survey,
            components: BTreeMap::new(),
            heals: vec![],
            outages: vec![],
            endpoints: BTreeMap::new(),
            secrets: BTreeMap::new(),
            writers: BTreeMap::new(),
            calico_pods: BTreeMap::new(),
            now,
        }
    }
}
