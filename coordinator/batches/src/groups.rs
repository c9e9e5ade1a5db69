//! Which workers a policy's groups and topology mean. The checks of a plan name groups and labels that miss every worker.

use crate::selector::Selector;
use crate::{Group, Policy, Worker};
use podlift_model::NodeName;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNodes {
    pub name: String,
    /// The limit of the group as a number of nodes.
    pub max_unavailable: usize,
    /// How many of its nodes are upgraded before the others. From the number of `nodes` on, no other is left that would wait for them.
    pub canary: u32,
    /// In the order of `workers`. Empty if its selector and category match no worker, or only workers of groups before it.
    pub nodes: Vec<NodeName>,
}

/// The groups of the policy in its order, each with its workers.
pub fn groups_of(policy: &Policy, workers: &[Worker]) -> Vec<GroupNodes> {
    let member = Members::of(policy);
    let mut nodes = vec![vec![]; policy.groups.len()];
    for worker in workers {
        if let Some(group) = member.group(&worker.labels, worker.category.as_deref()) {
            nodes[group].push(worker.node.clone());
        }
    }
    let row = |(group, nodes): (&Group, Vec<NodeName>)| GroupNodes {
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

impl Policy {
    /// The group of a worker with these labels and this BCM category; `None` if it is in no group.
    pub fn group_of(&self, labels: &BTreeMap<String, String>, category: Option<&str>) -> Option<&Group> {
        self.groups.iter().find(|group| Member::of(group).matches(labels, category))
    }
}

/// The groups of a policy, with their selectors read once.
pub(crate) struct Members<'a>(Vec<Member<'a>>);

impl<'a> Members<'a> {
    pub fn of(policy: &'a Policy) -> Self {
        Self(policy.groups.iter().map(Member::of).collect())
    }

    /// The first group that the worker matches.
    pub fn group(&self, labels: &BTreeMap<String, String>, category: Option<&str>) -> Option<usize> {
        self.0.iter().position(|member| member.matches(labels, category))
    }
}

/// What a worker must have to belong to a group.
struct Member<'a> {
    selector: Option<Selector<'a>>,
    category: Option<&'a str>,
    /// A group whose selector can't be read, or that has neither selector nor category, is that of no worker.
    any: bool,
}

impl<'a> Member<'a> {
    fn of(group: &'a Group) -> Self {
        let selector = group.selector.as_deref().map(Selector::read);
        let read = !matches!(selector, Some(None));
        let any = read && (group.selector.is_some() || group.category.is_some());
        Self { selector: selector.flatten(), category: group.category.as_deref(), any }
    }

    fn matches(&self, labels: &BTreeMap<String, String>, category: Option<&str>) -> bool {
        self.any
            && self.selector.as_ref().is_none_or(|selector| selector.matches(labels))
            && self.category.is_none_or(|want| category == Some(want))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, Stage, Take, Topology};

    fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    fn worker(name: &str, category: &str, pairs: &[(&str, &str)]) -> Worker {
        Worker {
            node: NodeName::new(name).unwrap(),
            stage: Stage::ToCome,
            unavailable: false,
            labels: labels(pairs),
            category: Some(category.into()).filter(|category: &String| !category.is_empty()),
            finished: None,
            failed: false,
        }
    }

    /// A group of this selector and this category; an empty text is none.
    fn group(name: &str, selector: &str, category: &str) -> Group {
        let text = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        Group {
            name: name.into(),
            selector: text(selector),
            category: text(category),
            max_unavailable: Limit::Percent(50),
            canary: 2,
            canary_soak_seconds: 0,
            windows: vec![],
            order: None,
            max_failed: None,
        }
    }

    #[test]
    fn a_group_without_a_worker_and_a_group_of_all_are_seen() {
        let topology = Some(Topology { label: "rack".into(), take: Take::OneDomain });
        let workers = [
            worker("a", "h100", &[("os", "linux"), ("rack", "1")]),
            worker("b", "h100", &[("os", "linux")]),
            worker("c", "", &[("os", "linux")]),
        ];
        let cases = [
            (
                vec![
                    group("none", "os=plan9", ""),
                    group("all", "os=linux", ""),
                    group("late", "rack=1", ""),
                ],
                vec![("none", 1, 0), ("all", 2, 3), ("late", 1, 0)],
            ),
            (
                vec![group("first", "rack=1", ""), group("rest", "os=linux", "")],
                vec![("first", 1, 1), ("rest", 1, 2)],
            ),
            (
                vec![group("both", "rack=1", "h100"), group("bcm", "", "h100"), group("gb200", "", "gb200")],
                vec![("both", 1, 1), ("bcm", 1, 1), ("gb200", 1, 0)],
            ),
            (vec![group("another rack", "rack=2", "h100")], vec![("another rack", 1, 0)]),
            (vec![group("neither", "", "")], vec![("neither", 1, 0)]),
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

    #[test]
    fn a_worker_has_the_first_group_that_it_matches() {
        let groups =
            vec![group("both", "rack=1", "h100"), group("bcm", "", "h100"), group("rack", "rack=1", "")];
        let policy = Policy { groups, ..Policy::default() };
        let cases = [
            ("1", Some("h100"), Some("both")),
            ("2", Some("h100"), Some("bcm")),
            ("1", Some("gb200"), Some("rack")),
            ("1", None, Some("rack")),
            ("2", Some("H100"), None),
            ("2", None, None),
        ];
        for (rack, category, want) in cases {
            let got = policy.group_of(&labels(&[("rack", rack)]), category);
            assert_eq!(got.map(|group| group.name.as_str()), want, "{rack} {category:?}");
        }
    }
}
