//! The known issues of an upgrade, one a file: what is seen, why it happens, what it means, and the repair. Pure functions over what was
//! observed, so that plan, comparison, validation, sentinel and report say the same. No look is made here.

mod bcm_steps;
mod calico_operator;
mod component;
mod etcd_servers;
mod feature_gates;
pub mod helm;
mod ingress_tls;
pub mod load_balancers;
mod mend;
mod observed;
pub mod providers;
pub mod raw;
mod sighting;
#[cfg(test)]
mod tests;
mod wire;

pub use bcm_steps::bcm_steps;
pub use mend::Mend;
pub use observed::{Down, Observed};
pub use sighting::{Fact, Sighting, Writer, WriterSource};

use crate::program::Recorded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The closed list of issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IssueName {
    EtcdServers,
    FeatureGates,
    CalicoOperator,
    LoadBalancers,
    IngressTls,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issue {0:?} is not known: expected one of {names}; podlift issues explains each", names = names())]
pub struct UnknownIssue(pub String);

fn names() -> String {
    IssueName::ALL.map(IssueName::name).join(", ")
}

impl IssueName {
    pub const ALL: [Self; 5] =
        [Self::EtcdServers, Self::FeatureGates, Self::CalicoOperator, Self::LoadBalancers, Self::IngressTls];

    /// As in documents and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::EtcdServers => "etcd-servers",
            Self::FeatureGates => "feature-gates",
            Self::CalicoOperator => "calico-operator",
            Self::LoadBalancers => "load-balancers",
            Self::IngressTls => "ingress-tls",
        }
    }
}

impl fmt::Display for IssueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for IssueName {
    type Err = UnknownIssue;

    fn from_str(text: &str) -> Result<Self, UnknownIssue> {
        Self::ALL.into_iter().find(|issue| issue.name() == text).ok_or_else(|| UnknownIssue(text.into()))
    }
}

/// What a person reads about an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Why it happens.
    pub explains: &'static str,
    /// What it costs.
    pub means: &'static str,
    /// What podlift does about it.
    pub repairs: &'static str,
    /// The item that a person approves before that; `None` if the repair needs no approval.
    pub asks: Option<&'static str>,
}

pub fn page(issue: IssueName) -> Page {
    match issue {
        IssueName::EtcdServers => etcd_servers::PAGE,
        IssueName::FeatureGates => feature_gates::PAGE,
        IssueName::CalicoOperator => calico_operator::PAGE,
        IssueName::LoadBalancers => load_balancers::PAGE,
        IssueName::IngressTls => ingress_tls::PAGE,
    }
}

/// The issue that a rule of the agents' heal repairs; `None` if it repairs something else.
pub fn of_heal_rule(rule: &str) -> Option<IssueName> {
    match rule {
        rule if etcd_servers::RULES.contains(&rule) => Some(IssueName::EtcdServers),
        rule if feature_gates::RULES.contains(&rule) => Some(IssueName::FeatureGates),
        _ => None,
    }
}

/// What is seen of all issues, in the order of their names. A part that could not be looked at gives no sighting.
pub fn seen(before: &Recorded, now: &Observed) -> Vec<Sighting> {
    IssueName::ALL.into_iter().flat_map(|issue| seen_of(issue, before, now)).collect()
}

/// What is seen of one issue.
pub fn seen_of(issue: IssueName, before: &Recorded, now: &Observed) -> Vec<Sighting> {
    match issue {
        IssueName::EtcdServers => etcd_servers::seen(now),
        IssueName::FeatureGates => feature_gates::seen(now),
        IssueName::CalicoOperator => calico_operator::seen(before, now),
        IssueName::LoadBalancers => load_balancers::seen(before, now),
        IssueName::IngressTls => ingress_tls::seen(before, now),
    }
}
