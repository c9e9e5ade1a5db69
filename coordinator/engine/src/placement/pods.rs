//! Required affinity and anti-affinity between pods, as kube-scheduler's filter InterPodAffinity decides it (Kubernetes 1.32
//! `pkg/scheduler/framework/plugins/interpodaffinity/filtering.go`). Terms that are only preferred exclude no node.

use crate::survey::{PodView, Selector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One required term: about pods that the selector matches, in the same domain of a topology.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PodTerm {
    pub selector: Selector,
    /// Namespaces of the pods that count. Empty: the own one of the pod that has the term.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The label of nodes whose value names the domain. A node without it is in no domain.
    pub topology_key: String,
}

type Labels = BTreeMap<String, String>;

impl PodTerm {
    /// Whether the term of `owner` is about this pod.
    fn matches(&self, owner: &PodView, pod: &PodView) -> bool {
        let here = match self.namespaces.is_empty() {
            true => pod.namespace == owner.namespace,
            false => self.namespaces.contains(&pod.namespace),
        };
        here && self.selector.matches(&pod.labels)
    }

    fn domain<'a>(&'a self, node: &'a Labels) -> Option<Domain<'a>> {
        Some((self.topology_key.as_str(), node.get(&self.topology_key)?.as_str()))
    }
}

/// Key and value of a label of nodes.
type Domain<'a> = (&'a str, &'a str);

/// The pods on the nodes, each with the labels of its node.
#[derive(Debug, Default)]
pub struct Standing<'a> {
    by_namespace: BTreeMap<&'a str, Vec<(&'a PodView, &'a Labels)>>,
    /// Those that keep other pods away.
    guarded: Vec<(&'a PodView, &'a Labels)>,
}

impl<'a> Standing<'a> {
    pub fn of(pods: impl IntoIterator<Item = (&'a PodView, &'a Labels)>) -> Self {
        let mut out = Self::default();
        pods.into_iter().for_each(|(pod, node)| out.add(pod, node));
        out
    }

    /// A pod has come to a node.
    pub fn add(&mut self, pod: &'a PodView, node: &'a Labels) {
        self.by_namespace.entry(&pod.namespace).or_default().push((pod, node));
        if !anti_affinity(pod).is_empty() {
            self.guarded.push((pod, node));
        }
    }

    /// Which nodes suit this pod beside the pods that stand.
    pub fn rules<'p>(&'p self, pod: &'p PodView) -> Rules<'p> {
        let (wanted, unwanted) = (affinity(pod), anti_affinity(pod));
        let mut rules = Rules { wanted, has: BTreeSet::new(), alone: false, not: BTreeSet::new() };
        for (other, node) in self.among(pod, wanted) {
            // A pod counts only if all terms are about it.
            if wanted.iter().all(|term| term.matches(pod, other)) {
                rules.has.extend(wanted.iter().filter_map(|term| term.domain(node)));
            }
        }
        for (other, node) in self.among(pod, unwanted) {
            let about = unwanted.iter().filter(|term| term.matches(pod, other));
            rules.not.extend(about.filter_map(|term| term.domain(node)));
        }
        for (other, node) in &self.guarded {
            let about = anti_affinity(other).iter().filter(|term| term.matches(other, pod));
            rules.not.extend(about.filter_map(|term| term.domain(node)));
        }
        // The first pod of a group that wants to be together finds no other one yet.
        rules.alone = rules.has.is_empty() && wanted.iter().all(|term| term.matches(pod, pod));
        rules
    }

    /// Pods in the namespaces of these terms.
    fn among<'p>(
        &'p self,
        pod: &'p PodView,
        terms: &'p [PodTerm],
    ) -> impl Iterator<Item = (&'p PodView, &'p Labels)> {
        let own = terms.iter().any(|term| term.namespaces.is_empty()).then_some(pod.namespace.as_str());
        let named = terms.iter().flat_map(|term| term.namespaces.iter().map(String::as_str));
        let namespaces: BTreeSet<&str> = own.into_iter().chain(named).collect();
        namespaces.into_iter().filter_map(|name| self.by_namespace.get(name)).flatten().copied()
    }
}

/// What the pods on the nodes mean for one pod.
#[derive(Debug)]
pub struct Rules<'a> {
    wanted: &'a [PodTerm],
    /// Domains with pods that all wanted terms are about.
    has: BTreeSet<Domain<'a>>,
    /// No pod is there that it wants to be with, and it is such a pod itself.
    alone: bool,
    /// Domains in which it may not be.
    not: BTreeSet<Domain<'a>>,
}

impl Rules<'_> {
    /// Whether the pod may be on a node with these labels.
    pub fn allow(&self, node: &Labels) -> bool {
        let kept_away = self.not.iter().any(|(key, value)| node.get(*key).is_some_and(|own| own == value));
        // A node without the label of a wanted term is in no domain, so that it never suits.
        let domains: Option<Vec<Domain>> = self.wanted.iter().map(|term| term.domain(node)).collect();
        let together = domains.is_some_and(|all| self.alone || all.iter().all(|d| self.has.contains(d)));
        !kept_away && together
    }
}

fn affinity(pod: &PodView) -> &[PodTerm] {
    pod.wish.as_deref().map_or(&[], |wish| &wish.affinity)
}

fn anti_affinity(pod: &PodView) -> &[PodTerm] {
    pod.wish.as_deref().map_or(&[], |wish| &wish.anti_affinity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Wish;

    /// `app=x,tier=y`
    fn labels(text: &str) -> Labels {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.into(), value.into())).collect()
    }

    /// `app=x by rack`, or `app=x by rack in a+b` for other namespaces.
    fn term(text: &str) -> PodTerm {
        let (selector, rest) = text.split_once(" by ").unwrap();
        let (key, namespaces) = rest.split_once(" in ").unwrap_or((rest, ""));
        PodTerm {
            selector: Selector { labels: labels(selector), ..Selector::default() },
            namespaces: namespaces.split('+').filter(|n| !n.is_empty()).map(String::from).collect(),
            topology_key: key.into(),
        }
    }

    fn pod(namespace: &str, own: &str, wanted: &[&str], unwanted: &[&str]) -> PodView {
        let terms = |of: &[&str]| of.iter().map(|text| term(text)).collect();
        let wish = Wish { affinity: terms(wanted), anti_affinity: terms(unwanted), ..Wish::default() };
        PodView {
            namespace: namespace.into(),
            labels: labels(own),
            wish: Some(Box::new(wish)),
            ..PodView::default()
        }
    }

    /// Names of the nodes that suit the pod.
    fn suited(of: &PodView, standing: &[(PodView, &str)]) -> String {
        let nodes = [
            ("a1", labels("rack=a,host=a1")),
            ("a2", labels("rack=a,host=a2")),
            ("b1", labels("rack=b,host=b1")),
            ("n", labels("host=n")),
        ];
        let on = |name: &str| &nodes.iter().find(|(node, _)| *node == name).unwrap().1;
        let there = Standing::of(standing.iter().map(|(pod, node)| (pod, on(node))));
        let rules = there.rules(of);
        nodes
            .iter()
            .filter(|(_, node)| rules.allow(node))
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn nodes_that_suit_a_pod_beside_the_pods_that_stand() {
        let web = |on| (pod("ml", "app=web", &[], &[]), on);
        let db = |on| (pod("ml", "app=db,tier=1", &[], &[]), on);
        let other = |on| (pod("lab", "app=web", &[], &[]), on);
        let shy = |on| (pod("ml", "app=shy", &[], &["app=web by rack"]), on);
        let all = "a1 a2 b1 n";
        type Case<'a> = (&'a str, PodView, Vec<(PodView, &'a str)>, &'a str);
        let cases: Vec<Case> = vec![
            ("no terms", pod("ml", "app=web", &[], &[]), vec![web("a1")], all),
            ("affinity", pod("ml", "app=x", &["app=web by rack"], &[]), vec![web("a1")], "a1 a2"),
            ("affinity by host", pod("ml", "app=x", &["app=web by host"], &[]), vec![web("a1")], "a1"),
            (
                "a domain needs the label, on the node of the other pod, too",
                pod("ml", "app=x", &["app=web by rack"], &[]),
                vec![web("n")],
                "",
            ),
            ("nobody to be with", pod("ml", "app=x", &["app=web by rack"], &[]), vec![], ""),
            (
                "the first of its group, where there is a domain",
                pod("ml", "app=web", &["app=web by rack"], &[]),
                vec![],
                "a1 a2 b1",
            ),
            (
                "the second of its group",
                pod("ml", "app=web", &["app=web by rack"], &[]),
                vec![web("b1")],
                "b1",
            ),
            (
                "the first of a group that is in another namespace",
                pod("ml", "app=web", &["app=web by rack in lab"], &[]),
                vec![],
                "",
            ),
            (
                "other namespaces do not count",
                pod("ml", "app=x", &["app=web by rack"], &[]),
                vec![other("a1")],
                "",
            ),
            (
                "named namespaces count",
                pod("ml", "app=x", &["app=web by rack in lab+y"], &[]),
                vec![other("a1"), web("b1")],
                "a1 a2",
            ),
            (
                "all terms must be about one pod",
                pod("ml", "app=x", &["app=db by rack", "tier=1 by host"], &[]),
                vec![db("a2"), web("a1")],
                "a2",
            ),
            (
                "two terms, and no pod that is meant by both",
                pod("ml", "app=x", &["app=web by rack", "tier=1 by rack"], &[]),
                vec![web("a1"), db("a1")],
                "",
            ),
            ("anti-affinity", pod("ml", "app=x", &[], &["app=web by rack"]), vec![web("a1")], "b1 n"),
            (
                "each unwanted term counts for itself",
                pod("ml", "app=x", &[], &["app=web by rack", "app=db by host"]),
                vec![web("a1"), db("b1")],
                "n",
            ),
            (
                "anti-affinity to a pod outside of every domain",
                pod("ml", "app=x", &[], &["app=web by rack"]),
                vec![web("n")],
                all,
            ),
            ("a pod that stands keeps it away", pod("ml", "app=web", &[], &[]), vec![shy("a1")], "b1 n"),
            ("and no other", pod("ml", "app=db", &[], &[]), vec![shy("a1")], all),
            ("in its own namespace only", pod("lab", "app=web", &[], &[]), vec![shy("a1")], all),
            (
                "both ways at once",
                pod("ml", "app=web", &["app=db by rack"], &["app=web by host"]),
                vec![db("a1"), web("a2"), db("b1"), shy("b1")],
                "a1",
            ),
            (
                "a group that keeps apart",
                pod("ml", "app=web", &[], &["app=web by host"]),
                vec![web("a1"), web("b1")],
                "a2 n",
            ),
        ];
        for (what, of, standing, want) in cases {
            assert_eq!(suited(&of, &standing), want, "{what}");
        }
    }

    #[test]
    fn a_selector_of_nothing_is_about_no_pod_and_an_empty_one_about_all() {
        let own = |selector: Selector| {
            let mut of = pod("ml", "app=x", &["app=web by rack"], &[]);
            of.wish.as_mut().unwrap().affinity[0].selector = selector;
            suited(&of, &[(pod("ml", "app=web", &[], &[]), "b1")])
        };
        assert_eq!(own(Selector { nothing: true, ..Selector::default() }), "");
        assert_eq!(own(Selector::default()), "b1");
    }

    #[test]
    fn terms_are_read_as_they_were_written_and_an_older_wish_has_none() {
        let wish = Wish { affinity: vec![term("app=web by rack in a")], ..Wish::default() };
        let text = serde_json::to_string(&wish).unwrap();
        assert_eq!(serde_json::from_str::<Wish>(&text).unwrap(), wish);
        assert_eq!(serde_json::from_str::<Wish>("{}").unwrap(), Wish::default());
        assert_eq!(serde_json::to_string(&Wish::default()).unwrap(), "{}");
    }
}
