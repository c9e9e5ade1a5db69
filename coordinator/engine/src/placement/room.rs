//! Room for pods on nodes, by extended resource: each pod takes all that it requests from one node.

use crate::placement::{Standing, Taint, Wish};
use crate::survey::PodView;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A node to which pods may go.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    pub name: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub taints: &'a [Taint],
    /// Extended resource to what the node offers, and to what of it is free.
    pub offers: BTreeMap<&'a str, u64>,
    pub free: BTreeMap<&'a str, u64>,
}

/// Why a pod finds no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// No node would do even if it were empty: its labels, its taints or its kind of devices are others.
    Node,
    /// Pods on those that would do keep it away, or it wants to be with pods that are on none of them.
    Pods,
    /// Those that would do are full.
    Room,
}

/// Gives the pods their places beside those that stand, the largest first, each where the least stays free, and returns those that find none.
pub fn place<'a>(
    pods: &[&'a PodView],
    places: &mut [Place<'a>],
    mut standing: Standing<'a>,
) -> Vec<(&'a PodView, Lack)> {
    let mut pods = pods.to_vec();
    pods.sort_by_key(|pod| Reverse(pod.requests.values().sum::<u64>()));
    let mut without = vec![];
    for pod in pods {
        match take(pod, places, &standing) {
            Ok(labels) => standing.add(pod, labels),
            Err(lack) => without.push((pod, lack)),
        }
    }
    without
}

/// Takes what the pod needs, and returns the labels of its node.
fn take<'a>(
    pod: &PodView,
    places: &mut [Place<'a>],
    standing: &Standing,
) -> Result<&'a BTreeMap<String, String>, Lack> {
    let anywhere = Wish::default();
    let wish = pod.wish.as_deref().unwrap_or(&anywhere);
    let mut fit: Vec<&mut Place> = places
        .iter_mut()
        .filter(|p| covers(&p.offers, pod) && wish.allows(p.name, p.labels, p.taints))
        .collect();
    if fit.is_empty() {
        return Err(Lack::Node);
    }
    let rules = standing.rules(pod);
    fit.retain(|p| rules.allow(p.labels));
    if fit.is_empty() {
        return Err(Lack::Pods);
    }
    let with_room = fit.into_iter().filter(|p| covers(&p.free, pod));
    let best = with_room.min_by_key(|p| p.free.values().sum::<u64>()).ok_or(Lack::Room)?;
    for (resource, amount) in &pod.requests {
        if let Some(free) = best.free.get_mut(resource.as_str()) {
            *free -= amount;
        }
    }
    Ok(best.labels)
}

fn covers(of: &BTreeMap<&str, u64>, pod: &PodView) -> bool {
    pod.requests.iter().all(|(resource, amount)| of.get(resource.as_str()).is_some_and(|n| n >= amount))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::PodTerm;
    use crate::survey::Selector;

    fn pod(name: &str, requests: &[(&str, u64)], rack: Option<&str>) -> PodView {
        let selector = rack.map(|r| BTreeMap::from([("rack".to_string(), r.to_string())]));
        PodView {
            name: name.into(),
            requests: requests.iter().map(|(r, n)| ((*r).to_string(), *n)).collect(),
            wish: selector.map(|selector| Box::new(Wish { selector, ..Wish::default() })),
            ..PodView::default()
        }
    }

    /// Nodes of rack r1 with eight GPUs each, of which so many are free, and one of rack r2 with MIG devices.
    fn without_place(pods: &[PodView], free: &[u64]) -> Vec<(String, Lack)> {
        let rack = |r: &str| BTreeMap::from([("rack".to_string(), r.to_string())]);
        let (r1, r2) = (rack("r1"), rack("r2"));
        let of = |labels, resource, offers, free| Place {
            name: "n",
            labels,
            taints: &[],
            offers: [(resource, offers)].into(),
            free: [(resource, free)].into(),
        };
        let mut places: Vec<Place> = free.iter().map(|n| of(&r1, "nvidia.com/gpu", 8, *n)).collect();
        places.push(of(&r2, "nvidia.com/mig-1g.10gb", 7, 7));
        let pods: Vec<&PodView> = pods.iter().collect();
        place(&pods, &mut places, Standing::default())
            .into_iter()
            .map(|(p, lack)| (p.name.clone(), lack))
            .collect()
    }

    #[test]
    fn a_pod_takes_all_its_devices_from_one_node() {
        let gpus = |n| pod("a", &[("nvidia.com/gpu", n)], None);
        let room = |n: usize| vec![("a".to_string(), Lack::Room); n];
        for (pods, free, want) in [
            (vec![gpus(8)], vec![8], room(0)),
            (vec![gpus(8)], vec![4, 4], room(1)),
            (vec![gpus(4), gpus(4)], vec![4, 4], room(0)),
            // The large one goes first, and the small one goes where the least stays free.
            (vec![gpus(2), gpus(8)], vec![8, 2], room(0)),
            (vec![gpus(2), gpus(2), gpus(4)], vec![4, 4], room(0)),
            (vec![gpus(8), gpus(8)], vec![8, 7], room(1)),
        ] {
            assert_eq!(without_place(&pods, &free), want, "{free:?}");
        }
    }

    #[test]
    fn a_pod_that_fits_no_node_at_all_is_told_apart_from_one_that_waits_for_room() {
        let cases = [
            (pod("mig", &[("nvidia.com/mig-1g.10gb", 1)], None), None),
            (pod("mig", &[("nvidia.com/mig-2g.20gb", 1)], None), Some(Lack::Node)),
            (pod("gpu", &[("nvidia.com/gpu", 1)], Some("r1")), Some(Lack::Room)),
            (pod("gpu", &[("nvidia.com/gpu", 1)], Some("r2")), Some(Lack::Node)),
            (pod("gpu", &[("nvidia.com/gpu", 9)], None), Some(Lack::Node)),
            (pod("both", &[("nvidia.com/gpu", 1), ("nvidia.com/mig-1g.10gb", 1)], None), Some(Lack::Node)),
        ];
        for (pod, want) in cases {
            let out = without_place(std::slice::from_ref(&pod), &[0]);
            assert_eq!(out.first().map(|(_, lack)| *lack), want, "{pod:?}");
        }
    }

    /// Pods that were placed before count for those that follow, and full nodes are told apart from nodes that do not suit.
    #[test]
    fn pods_that_keep_together_or_apart_are_placed_one_after_another() {
        let term = |app: &str| PodTerm {
            selector: Selector {
                labels: [("app".to_string(), app.to_string())].into(),
                ..Selector::default()
            },
            namespaces: vec![],
            topology_key: "rack".into(),
        };
        let of = |app: &str, gpus: u64, wish: Wish| PodView {
            labels: [("app".to_string(), app.to_string())].into(),
            wish: Some(Box::new(wish)),
            ..pod(app, &[("nvidia.com/gpu", gpus)], None)
        };
        let apart = |gpus| of("a", gpus, Wish { anti_affinity: vec![term("a")], ..Wish::default() });
        let together = |gpus| of("a", gpus, Wish { affinity: vec![term("a")], ..Wish::default() });
        let stands = PodView { labels: [("app".to_string(), "a".to_string())].into(), ..PodView::default() };
        let rack = |r: &str| BTreeMap::from([("rack".to_string(), r.to_string())]);
        let (r1, r2) = (rack("r1"), rack("r2"));
        // Two nodes of rack r1 and one of r2, with so many free GPUs each.
        let without = |pods: &[PodView], free: [u64; 3], standing: Option<&BTreeMap<String, String>>| {
            let nodes = [&r1, &r1, &r2].into_iter().zip(free);
            let mut places: Vec<Place> = nodes
                .map(|(labels, free)| Place {
                    name: "n",
                    labels,
                    taints: &[],
                    offers: [("nvidia.com/gpu", 8)].into(),
                    free: [("nvidia.com/gpu", free)].into(),
                })
                .collect();
            let pods: Vec<&PodView> = pods.iter().collect();
            let there = Standing::of(standing.map(|labels| (&stands, labels)));
            place(&pods, &mut places, there).into_iter().map(|(_, lack)| lack).collect::<Vec<_>>()
        };
        assert_eq!(without(&[apart(1), apart(1)], [8, 8, 8], None), []);
        assert_eq!(without(&[apart(1), apart(1), apart(1)], [8, 8, 8], None), [Lack::Pods]);
        assert_eq!(without(&[apart(1)], [8, 8, 0], Some(&r1)), [Lack::Room], "rack r2 would suit");
        // The first one goes where the least stays free, and the others have to follow it.
        assert_eq!(without(&[together(4), together(4), together(4)], [8, 4, 8], None), []);
        assert_eq!(without(&[together(8), together(8)], [0, 0, 8], None), [Lack::Room]);
        assert_eq!(without(&[together(8)], [8, 8, 0], Some(&r2)), [Lack::Room], "it has to go to rack r2");
        let stranger = of("b", 1, Wish { affinity: vec![term("a")], ..Wish::default() });
        assert_eq!(without(&[stranger], [8, 8, 8], None), [Lack::Pods]);
    }
}
