//! A plan of 2,000 nodes and 20,000 pods: its cost grows with the size of the cluster, not with its square.

use super::build;
use crate::goals::PlanInput;
use crate::inventory::Inventory;
use crate::program::Program;
use crate::survey::PodView;
use crate::testing::survey::{budget, node_survey, pod};
use crate::testing::{input, name};
use std::time::{Duration, Instant};

/// Adds `workers` nodes with ten pods each, and a namespace with ten budgets for every ten nodes.
fn large(workers: usize) -> PlanInput {
    let mut i = input();
    let like = i.inventory.get(&name("dgx030")).unwrap().clone();
    let mut nodes = i.inventory.nodes.clone();
    let (mut pods, mut budgets) = (vec![], vec![]);
    for n in 0..workers {
        let node = format!("dgx{:05}", n + 10_000);
        let mut entry = like.clone();
        (entry.name, entry.view.name) = (name(&node), name(&node));
        if let Some(facts) = entry.facts.as_mut() {
            facts.node = name(&node);
        }
        nodes.push(entry);
        i.surveys.insert(name(&node), Ok(node_survey(false)));
        i.offers.insert(name(&node), i.offers[&name("dgx030")].clone());
        let namespace = format!("team-{}", n / 10);
        for p in 0..10 {
            let app = format!("app{p}");
            let pod = pod(&namespace, &format!("{app}-{n}"), &node, &format!("ReplicaSet/{app}"));
            pods.push(PodView { gpus: 1, gang: (p == 0).then(|| "llm".into()), ..pod });
            if n % 10 == 0 {
                budgets.push(budget(&namespace, &app, 1, 10, 9, 10));
            }
        }
    }
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    i.inventory = Inventory { nodes };
    let cluster = i.cluster_survey.as_mut().unwrap();
    cluster.pods.as_mut().unwrap().extend(pods);
    cluster.budgets.as_mut().unwrap().extend(budgets);
    crate::testing::bcm::with_images(&mut i);
    i
}

fn timed(input: &PlanInput) -> (Program, Duration) {
    let began = Instant::now();
    let plan = build(input).unwrap();
    (plan, began.elapsed())
}

#[test]
fn what_a_large_fleet_loses_is_counted_right() {
    let plan = build(&large(200)).unwrap();
    let blast = &plan.goal.upgrade().unwrap().blast[&name("dgx10007")];
    assert_eq!((blast.evicted.len(), blast.gpus, blast.budgets.len()), (10, 10, 0));
    assert_eq!((blast.gangs.len(), blast.gangs[0].elsewhere), (1, 9));
    assert_eq!(plan.blockers().count(), 0);
}

#[test]
fn twice_the_fleet_costs_about_twice() {
    // The best of three runs, and a limit that quadratic cost can't meet while a busy machine can.
    let best = |workers| {
        let input = large(workers);
        (0..3).map(|_| timed(&input).1).min().unwrap_or_default()
    };
    let (one, eight) = (best(100), best(800));
    assert!(eight < one * 30, "100 workers {one:?}, 800 workers {eight:?}: the square would be 64 times");
}
