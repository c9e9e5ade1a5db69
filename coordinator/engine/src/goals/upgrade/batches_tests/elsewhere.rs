//! Where the pods go that a run evicts.

use super::*;

/// The finding of a plan over four workers with eight GPUs each, on which one pod each holds so many.
fn elsewhere(
    used: [u64; 4],
    most: u32,
    also: impl Fn(&mut PodView, &mut PlanInput),
) -> Option<(Severity, String)> {
    let nodes = ["dgx030", "dgx031", "dgx032", "dgx033"];
    let pod_of = |(node, gpus): (&str, u64)| PodView {
        requests: [("nvidia.com/gpu".to_string(), gpus)].into(),
        ..pod("ml", &format!("a-{node}"), node, "Job/a")
    };
    let pods = nodes.into_iter().zip(used).filter(|(_, n)| *n > 0).map(pod_of).collect();
    let plan = build(&fleet(pods, |i| {
        i.options.max_unavailable = most;
        let hardware = || crate::testing::survey::hardware();
        i.cluster_survey.as_mut().unwrap().hardware = Ok(nodes.map(|node| (name(node), hardware())).into());
        let mut pods = i.cluster_survey.as_ref().unwrap().pods.clone().unwrap();
        pods.iter_mut().for_each(|pod| also(pod, i));
        i.cluster_survey.as_mut().unwrap().pods = Ok(pods);
    }))
    .unwrap();
    let found = plan.findings.iter().find(|f| f.check == "room-elsewhere");
    found.map(|f| (f.severity, f.evidence.clone()))
}

#[test]
fn evicted_pods_that_find_no_devices_elsewhere_are_counted() {
    let full = |text: &str| {
        Some((
            Severity::Note,
            format!("{text} because the devices of the others are in use; for example ml/a-dgx030"),
        ))
    };
    let cases = [
        ([8, 0, 0, 0], 2, None),
        ([8, 8, 8, 0], 1, None),
        // Eight free devices on two nodes are no place for a pod that wants them on one.
        (
            [8, 8, 4, 4],
            1,
            full(
                "while the fullest worker is away, there is no place for 1 of 1 evicted pod with devices, which wait until nodes are back: 1",
            ),
        ),
        (
            [8, 8, 4, 8],
            2,
            full(
                "while the fullest 2 workers are away, there is no place for 2 of 2 evicted pods with devices, which wait until nodes are back: 2",
            ),
        ),
    ];
    for (used, most, want) in cases {
        assert_eq!(elsewhere(used, most, |_, _| {}), want, "{used:?} {most}");
    }
}

#[test]
fn labels_and_taints_keep_displaced_pods_away() {
    use crate::placement::{Taint, Wish};
    let wish = |key: &str, value: &str| {
        let selector = [(key.to_string(), value.to_string())].into();
        Some(Box::new(Wish { selector, ..Wish::default() }))
    };
    let pinned = elsewhere([8, 0, 0, 0], 1, |pod, _| pod.wish = wish("kubernetes.io/hostname", "dgx030"));
    let (severity, evidence) = pinned.unwrap();
    assert_eq!(severity, Severity::Warning);
    assert!(evidence.contains("1 because no other node has what they ask for"), "{evidence}");
    let labelled = elsewhere([8, 0, 0, 0], 1, |pod, i| {
        pod.wish = wish("rack", "r1");
        let entry = i.inventory.nodes.iter_mut().find(|n| n.name.as_str() == "dgx032").unwrap();
        entry.view.labels.insert("rack".into(), "r1".into());
    });
    assert_eq!(labelled, None);
    let tainted = elsewhere([8, 0, 0, 0], 1, |_, i| {
        for node in i.inventory.nodes.iter_mut().filter(|n| n.role == crate::NodeRole::Worker) {
            let taint = Taint { key: "team".into(), value: "a".into(), effect: "NoSchedule".into() };
            node.view.taints = vec![taint];
        }
    });
    assert_eq!(tainted.unwrap().0, Severity::Warning);
    let cordoned = elsewhere([8, 0, 0, 0], 1, |_, i| {
        let others = i.inventory.nodes.iter_mut().filter(|n| n.name.as_str() > "dgx030");
        others.for_each(|n| n.view.unschedulable = true);
    });
    assert!(cordoned.unwrap().1.contains("no other node"));
}

#[test]
fn pods_that_want_to_be_together_or_apart_may_find_no_place() {
    use crate::placement::{PodTerm, Wish};
    use crate::survey::Selector;
    let term = |app: &str, key: &str| PodTerm {
        selector: Selector { labels: [("app".to_string(), app.to_string())].into(), ..Selector::default() },
        namespaces: vec![],
        topology_key: key.into(),
    };
    // All pods of `elsewhere` are of app a; each rack has two workers.
    let told = |used, wish: fn(PodTerm) -> Wish, of: PodTerm| {
        elsewhere(used, 1, move |pod, _| {
            if pod.node.as_ref().is_some_and(|node| node.as_str() == "dgx030") {
                pod.wish = Some(Box::new(wish(of.clone())));
            }
        })
    };
    let apart: fn(PodTerm) -> Wish = |term| Wish { anti_affinity: vec![term], ..Wish::default() };
    let together: fn(PodTerm) -> Wish = |term| Wish { affinity: vec![term], ..Wish::default() };
    assert_eq!(told([8, 0, 4, 0], apart, term("a", "kubernetes.io/hostname")), None, "dgx031 or dgx033");
    assert_eq!(
        told([8, 0, 4, 0], apart, term("a", "rack")),
        None,
        "dgx031, because its own pod is gone from the rack"
    );
    let (severity, evidence) = told([8, 4, 4, 0], apart, term("a", "rack")).unwrap();
    assert_eq!(severity, Severity::Warning);
    assert!(evidence.contains("1 because the pods on the nodes that would do exclude it"), "{evidence}");
    assert_eq!(told([8, 0, 4, 0], together, term("a", "rack")), None, "dgx033 is beside dgx032");
    let (severity, evidence) = told([8, 0, 4, 8], together, term("a", "rack")).unwrap();
    assert_eq!(severity, Severity::Note, "the rack would do, and it is full: {evidence}");
    assert!(told([8, 0, 4, 0], together, term("b", "rack")).unwrap().1.contains("exclude it"));
    assert_eq!(told([8, 0, 0, 0], together, term("a", "rack")), None, "the first of its own group");
    // A pod that stands keeps it away from the whole domain.
    let guarded = elsewhere([8, 0, 0, 1], 1, |pod, i| {
        if pod.node.as_ref().is_some_and(|node| node.as_str() == "dgx033") {
            pod.wish = Some(Box::new(apart(term("a", "cluster"))));
        }
        let nodes = i.inventory.nodes.iter_mut();
        nodes.for_each(|n| drop(n.view.labels.insert("cluster".into(), "c".into())));
    });
    assert!(guarded.unwrap().1.contains("exclude it"));
}
