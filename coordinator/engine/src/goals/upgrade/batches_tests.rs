//! The plan of a fleet whose workers are chosen in batches: the order, the forecast, the jobs at risk, the marks of nodes to come, and the
//! findings about the policy.

mod elsewhere;
mod findings;

use super::*;
use crate::doors::{ForeignMark, NodeView, Owner};
use crate::goals::{Deferral, PlanInput, resume};
use crate::program::{Program, Severity, differences};
use crate::survey::{GangView, PodView};
use crate::testing::{input, name, survey::pod};
use jiff::Timestamp;
use podlift_batches::{Group, Policy, Take, Topology, Window};
use podlift_model::RunId;

fn gang(nodes: &[&str]) -> Vec<PodView> {
    let member = |node: &&str| PodView {
        gang: Some("PodGroup/llm".into()),
        gpus: 8,
        started: "2026-11-27T00:00:00Z".parse().ok(),
        ..pod("ml", &format!("llm-{node}"), node, "Job/llm")
    };
    nodes.iter().map(member).collect()
}

fn fleet(pods: Vec<PodView>, change: impl FnOnce(&mut PlanInput)) -> PlanInput {
    let mut i = input();
    (i.options.batches, i.options.max_unavailable) = (Some(Policy::default()), 2);
    i.now = "2026-11-27T10:00:00Z".parse().unwrap();
    i.cluster_survey.as_mut().unwrap().pods = Ok(pods);
    change(&mut i);
    i
}

fn lanes(plan: &Program, phase: &str) -> Vec<String> {
    let phase = plan.phases.iter().find(|p| p.name == phase).unwrap();
    phase.lanes.iter().map(|lane| lane.node.as_ref().unwrap().to_string()).collect()
}

#[test]
fn the_first_worker_is_idle_and_the_forecast_keeps_a_gang_together() {
    let plan = build(&fleet(gang(&["dgx030", "dgx033"]), |_| ())).unwrap();
    assert_eq!(lanes(&plan, "canary"), ["dgx031"]);
    assert_eq!(lanes(&plan, "workers"), ["dgx032", "dgx030", "dgx033"]);
    let workers = plan.phases.iter().find(|p| p.name == "workers").unwrap();
    let sizes: Vec<usize> = workers.batches.iter().map(|batch| batch.nodes.len()).collect();
    assert_eq!((sizes, workers.ends_in_seconds.is_some()), (vec![1, 2], true));
    assert_eq!(workers.batches[1].interrupts, ["ml/PodGroup/llm"]);
    let [job] = &plan.jobs[..] else { panic!("{:?}", plan.jobs) };
    assert_eq!((job.gpus, job.times, job.nodes.len(), job.gpu_hours_at_risk), (16, 1, 2, 160.0));
    let read = Program::from_json(&plan.to_json()).unwrap();
    assert_eq!(read, plan, "batches and jobs are in the document");
}

#[test]
fn where_no_more_workers_may_be_unavailable_one_that_is_goes_first() {
    let epoch = podlift_model::Epoch { number: 1, instance: podlift_model::InstanceId::new("head").unwrap() };
    let ended = Owner { run: podlift_model::RunId::new("r0").unwrap(), epoch, over: true };
    // NotReady, and Ready with the cordon that an aborted run has left.
    let ways: [fn(&mut NodeView, Owner); 2] =
        [|view, _| view.ready = false, |view, ended| (view.unschedulable, view.owner) = (true, Some(ended))];
    let away = |limit, way: fn(&mut NodeView, Owner)| {
        fleet(vec![], |i| {
            let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx032")).unwrap();
            way(&mut node.view, ended.clone());
            i.options.max_unavailable = limit;
        })
    };
    // With room left, a worker that works is the better first one; without it, only the one that is away can begin.
    for ((limit, first), way) in [(2, "dgx030"), (1, "dgx032")].into_iter().flat_map(|l| ways.map(|w| (l, w)))
    {
        let plan = build(&away(limit, way)).unwrap();
        assert_eq!(lanes(&plan, "canary"), [first], "at most {limit}");
        // When it is over, it takes no turn away any more.
        let workers = plan.phases.iter().find(|p| p.name == "workers").unwrap();
        assert!(limit > 1 || workers.ends_in_seconds.is_some(), "{:?}", workers.not_taken);
    }
}

#[test]
fn a_node_that_no_batch_takes_is_named_and_then_nobody_knows_the_end() {
    let mut pods = gang(&["dgx033"]);
    pods[0].never_interrupt = Some("podlift.io/never-interrupt=true".into());
    let plan = build(&fleet(pods, |_| ())).unwrap();
    let workers = plan.phases.iter().find(|p| p.name == "workers").unwrap();
    assert!(workers.not_taken[&name("dgx033")].contains("ml/PodGroup/llm"), "{:?}", workers.not_taken);
    assert_eq!(
        (workers.ends_in_seconds, lanes(&plan, "workers").len()),
        (None, 3),
        "its lane is in the plan"
    );
}

/// Jobs come and go between the plan and its start, and the run chooses anew.
#[test]
fn a_plan_does_not_rest_on_the_jobs_of_the_moment() {
    let before = build(&fleet(gang(&["dgx030", "dgx033"]), |_| ())).unwrap();
    let now = build(&fleet(gang(&["dgx031", "dgx032"]), |_| ())).unwrap();
    assert_ne!(lanes(&before, "canary"), lanes(&now, "canary"));
    assert_eq!(before.hash, now.hash, "{:?}", differences(&before, &now));
    let more = build(&fleet(vec![], |i| i.options.canary_soak_seconds = 60)).unwrap();
    assert_ne!(before.hash, more.hash, "what is done to a worker counts");
    let one_less = build(&fleet(vec![], |i| i.nodes = vec![name("dgx030"), name("runai-01")])).unwrap();
    assert_ne!(before.hash, one_less.hash);
}

#[test]
fn a_share_in_the_policy_becomes_a_number_of_workers() {
    let limit = |text: &str| Policy { max_unavailable: text.parse().ok(), ..Policy::default() };
    for (text, number) in [("50%", 2), ("3", 3), ("1%", 1)] {
        let plan = build(&fleet(vec![], |i| i.options.batches = Some(limit(text)))).unwrap();
        assert_eq!(plan.options.max_unavailable, number, "{text}");
    }
}

#[test]
fn workers_to_come_are_marked_where_there_are_several() {
    let marked = |change: fn(&mut PlanInput)| {
        let plan = build(&fleet(vec![], |i| {
            i.options.soft_taint = true;
            change(i);
        }))
        .unwrap();
        let phases: Vec<String> = plan.phases.iter().map(|p| p.name.clone()).collect();
        let taints = plan.steps().filter(|s| s.kind.step().verb() == "soft-taint").count();
        let lane: Vec<String> = plan
            .steps()
            .filter(|s| s.node == Some(name("dgx030")) && ["canary", "workers"].contains(&s.phase.as_str()))
            .map(|s| s.kind.step().verb())
            .collect();
        let at = |verb: &str| lane.iter().position(|v| v == verb);
        let before = at("soft-untaint").is_some_and(|x| x + 1 == at("uncordon").unwrap());
        (
            taints,
            before,
            phases.iter().position(|p| p == "to-come") < phases.iter().position(|p| p == "canary"),
        )
    };
    assert_eq!(marked(|_| ()), (4, true, true));
    assert_eq!(marked(|i| i.nodes = vec![name("dgx030")]), (0, false, true), "a single worker");
    assert_eq!(marked(|i| i.options.soft_taint = false).0, 0);
    let hooks = build(&fleet(vec![], |i| i.options.checkpoints = true)).unwrap();
    let lane: Vec<String> = hooks
        .steps()
        .filter(|s| s.phase == "workers" && s.node == Some(name("dgx031")))
        .map(|s| s.kind.step().verb())
        .collect();
    assert_eq!(lane[..4], ["node-reachable", "cordon", "checkpoint", "drain"]);
}

type Change = fn(&mut PlanInput);

fn rollout(i: &mut PlanInput) -> &mut Policy {
    i.options.batches.as_mut().unwrap()
}

fn group(selector: &str) -> Group {
    Group {
        name: "old".into(),
        selector: (!selector.is_empty()).then(|| selector.into()),
        category: None,
        max_unavailable: "1".parse().unwrap(),
        canary: 0,
        canary_soak_seconds: 0,
        windows: vec![],
        order: None,
        max_failed: None,
    }
}

fn of_category(category: &str) -> Group {
    Group { category: Some(category.into()), ..group("") }
}

fn window(json: serde_json::Value) -> Window {
    serde_json::from_value(json).unwrap()
}

fn night() -> Window {
    window(serde_json::json!({"days": [], "from": "22:00", "to": "06:00", "zone": "UTC"}))
}

/// BCM lists every worker in category dgx-h100.
fn with_categories(i: &mut PlanInput) {
    crate::testing::bcm::with_images(i);
}

/// The gang of `gang`, which needs so many of its pods.
fn declared(i: &mut PlanInput, nodes: &[&str], least: u32) {
    let seen = i.cluster_survey.as_mut().unwrap();
    seen.pods = Ok(gang(nodes));
    seen.gangs = vec![GangView { id: "ml/PodGroup/llm".into(), min_member: Some(least), pods: None }];
}

#[test]
fn a_node_that_was_deferred_until_a_time_is_left_out_until_then_and_resumed_afterwards() {
    let later: Timestamp = "2026-12-01T06:00:00Z".parse().unwrap();
    let deferral = |until| Deferral { reason: "GPU tray".into(), until, run: RunId::new("r1").unwrap() };
    let deferred = |i: &mut PlanInput| {
        i.earlier.deferred =
            [(name("dgx030"), deferral(Some(later))), (name("dgx031"), deferral(None))].into();
    };
    let plan = build(&fleet(vec![], deferred)).unwrap();
    let out: Vec<_> = plan.left_out.iter().map(|out| (out.node.as_str(), out.until)).collect();
    assert_eq!(out, [("dgx030", Some(later))]);
    assert!(plan.left_out[0].why.contains("GPU tray"), "{:?}", plan.left_out);
    let named = build(&fleet(vec![], |i| {
        deferred(i);
        i.nodes = vec![name("dgx030")];
    }));
    assert!(named.unwrap().left_out.is_empty(), "a request that names the node takes it");
    let i = fleet(vec![], deferred);
    assert_eq!(resume(&i.earlier, i.now, false), Ok(vec![name("dgx031")]));
    assert_eq!(resume(&i.earlier, later, false).unwrap().len(), 2);
    assert_eq!(resume(&i.earlier, i.now, true).unwrap().len(), 2);
    let mut only = i.earlier.clone();
    only.deferred.remove(&name("dgx031"));
    let text = resume(&only, i.now, false).unwrap_err().to_string();
    assert!(text.contains("dgx030 until 2026-12-01T06:00:00Z"), "{text}");
    assert_eq!(resume(&Default::default(), i.now, false), Err(crate::goals::PlanError::NothingDeferred));
}

#[test]
fn the_forecast_lets_a_group_wait_for_its_window_and_says_when_the_workers_would_be_over() {
    let plan = build(&fleet(vec![], |i| {
        i.options.canary = 0;
        rollout(i).groups = vec![Group { windows: vec![night()], ..group("rack=r2") }];
    }))
    .unwrap();
    let workers = plan.phases.iter().find(|phase| phase.name == "workers").unwrap();
    let opens = 12 * 3600;
    for batch in &workers.batches {
        let waits = batch.nodes.iter().any(|node| *node >= name("dgx032"));
        assert_eq!(waits, batch.starts_in_seconds >= opens, "{batch:?}");
    }
    assert_eq!(workers.batches.iter().flat_map(|batch| &batch.nodes).count(), 4, "{:?}", workers.not_taken);
    // One node of the group after the other.
    assert!(
        workers.ends_in_seconds.is_some_and(|end| end >= opens + 2 * 900),
        "{:?}",
        workers.ends_in_seconds
    );
}

#[test]
fn the_plan_records_the_categories_of_workers_where_a_group_needs_them() {
    let recorded = |groups: Vec<Group>| {
        let plan = build(&fleet(vec![], |i| {
            with_categories(i);
            rollout(i).groups = groups;
        }))
        .unwrap();
        let bcm = plan.bcm.clone().unwrap();
        let read = Program::from_json(&plan.to_json()).unwrap();
        assert_eq!(read, plan);
        bcm.category(&name("dgx030")).map(ToString::to_string)
    };
    assert_eq!(recorded(vec![of_category("dgx-h100")]), Some("dgx-h100".into()));
    assert_eq!(recorded(vec![group("rack=r1")]), None, "nobody needs it");
}
