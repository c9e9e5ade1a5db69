//! Which workers a policy's groups and topology mean. The checks of a plan name groups and labels that miss every worker.

use crate::selector::Selector;
use crate::{Policy, Worker};
use podlift_model::NodeName;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNodes {
    pub name: String,
    /// The limit of the group as a number of nodes.
    pub max_unavailable: usize,
    /// How many of its nodes are upgraded before the others. From the number of `nodes` on, no other is left that would wait for them.
    pub canary: u32,
    /// In the order of `workers`. Empty if the selector matches no worker, or only workers of groups before it.
    pub nodes: Vec<NodeName>,
}

/// The groups of the policy in its order, each with its workers.
pub fn groups_of(policy: &Policy, workers: &[Worker]) -> Vec<GroupNodes> {
    let member = Members::of(policy);
    let mut nodes = vec![vec![]; policy.groups.len()];
    for worker in workers {
        if let Some(group) = member.group(&worker.labels) {
            nodes[group].push(worker.node.clone());
        }
    }
    let row = |(group, nodes): (&crate::Group, Vec<NodeName>)| GroupNodes {
        name: group.name.clone(),
        max_unavailable: group.max_unavailable.of(nodes.len()),
        canary: group.canary,
        nodes,
    };
    policy.groups.iter().zip(nodes).map(row).collect()
}

/// The workers that lack the label of the policy's topology. With `one-domain` they form one domain; with `one-of-each` none holds
/// another one back.
pub fn without_domain(policy: &Policy, workers: &[Worker]) -> Vec<NodeName> {
    let Some(topology) = &policy.topology else { return vec![] };
    let lacks = |worker: &&Worker| !worker.labels.contains_key(&topology.label);
    workers.iter().filter(lacks).map(|worker| worker.node.clone()).collect()
}

/// The selectors of a policy, read once.
pub(crate) struct Members<'a>(Vec<Option<Selector<'a>>>);

impl<'a> Members<'a> {
    pub fn of(policy: &'a Policy) -> Self {
        Self(policy.groups.iter().map(|group| Selector::read(&group.selector)).collect())
    }

    /// The first group whose selector matches.
    pub fn group(&self, labels: &BTreeMap<String, String>) -> Option<usize> {
        self.0.iter().position(|selector| selector.as_ref().is_some_and(|s| s.matches(labels)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, Limit, Stage, Take, Topology};

    fn worker(name: &str, labels: &[(&str, &str)]) -> Worker {
        let labels = labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let node = NodeName::new(name).unwrap();
        Worker { node, stage: Stage::ToCome, unavailable: false, labels, finished: None, failed: false }
    }

    #[test]
    fn a_group_without_a_worker_and_a_group_of_all_are_seen() {
        let group = |name: &str, selector: &str| Group {
            name: name.into(),
            selector: selector.into(),
            max_unavailable: Limit::Percent(50),
            canary: 2,
            canary_soak_seconds: 0,
        };
        let topology = Some(Topology { label: "rack".into(), take: Take::OneDomain });
        let workers = [
            worker("a", &[("os", "linux"), ("rack", "1")]),
            worker("b", &[("os", "linux")]),
            worker("c", &[("os", "linux")]),
        ];
        let cases = [
            (
                vec![group("none", "os=plan9"), group("all", "os=linux"), group("late", "rack=1")],
                vec![("none", 1, 0), ("all", 2, 3), ("late", 1, 0)],
            ),
            (
                vec![group("first", "rack=1"), group("rest", "os=linux")],
                vec![("first", 1, 1), ("rest", 1, 2)],
            ),
            (vec![group("no selector at all", "")], vec![("no selector at all", 1, 0)]),
        ];
        for (groups, want) in cases {
            let policy = Policy { groups, topology: topology.clone(), ..Policy::default() };
            let rows = groups_of(&policy, &workers);
            assert!(rows.iter().all(|row| row.canary == 2));
            let rows: Vec<_> =
                rows.iter().map(|r| (r.name.as_str(), r.max_unavailable, r.nodes.len())).collect();
            assert_eq!(rows, want);
            assert_eq!(without_domain(&policy, &workers).len(), 2);
        }
    }
}
