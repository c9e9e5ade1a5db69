//! The plan of a fleet whose workers are chosen in batches: the order, the forecast, the jobs at risk, the marks of nodes to come, and the
//! findings about the policy.

use super::*;
use crate::doors::ForeignMark;
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
fn findings_about_the_policy_and_the_jobs() {
    let cases: Vec<(&str, &str, Option<Severity>, &str, Change)> = vec![
        ("nothing wrong", "batches", None, "", |_| ()),
        ("a canary of all", "batches", Some(Severity::Warning), "is 2, and the group has 2 workers", |i| {
            rollout(i).groups = vec![Group { canary: 2, ..group("rack=r1") }];
        }),
        ("a canary of some", "batches", None, "", |i| {
            rollout(i).groups = vec![Group { canary: 1, ..group("rack=r1") }];
        }),
        ("a group of nobody", "batches", Some(Severity::Blocker), "group \"old\" of [rollout]", |i| {
            rollout(i).groups = vec![group("rack=r9")];
        }),
        ("a group of some", "batches", None, "", |i| {
            rollout(i).groups = vec![group("rack=r1")];
        }),
        (
            "a group of all",
            "batches",
            Some(Severity::Warning),
            "group \"old\" of [rollout] in /etc/podlift/policy.toml has all 4 workers: selector \"rack=r1\" matches every one; its rules",
            |i| {
                rollout(i).groups = vec![group("rack=r1")];
                let workers = i.inventory.nodes.iter_mut().filter(|n| n.role == crate::NodeRole::Worker);
                workers.for_each(|n| drop(n.view.labels.insert("rack".into(), "r1".into())));
            },
        ),
        ("a category without BCM", "batches", Some(Severity::Blocker), "because BCM is not asked", |i| {
            i.bcm = None;
            rollout(i).groups = vec![of_category("dgx-h100")];
        }),
        (
            "a category while BCM's nodes are not seen",
            "batches",
            Some(Severity::Blocker),
            "because BCM's nodes can't be seen (cmsh says nothing)",
            |i| {
                i.bcm.as_mut().unwrap().nodes = Err("cmsh says nothing".into());
                rollout(i).groups = vec![of_category("dgx-h100")];
            },
        ),
        (
            "a category that no worker is in",
            "batches",
            Some(Severity::Blocker),
            "none is in BCM category \"dgx-h200\": expected one of dgx-h100; correct `category`",
            |i| {
                with_categories(i);
                rollout(i).groups = vec![of_category("dgx-h200")];
            },
        ),
        (
            "a category of control-plane nodes",
            "batches",
            Some(Severity::Blocker),
            "none is in BCM category \"runai-control-plane\": expected one of dgx-h100",
            |i| {
                with_categories(i);
                rollout(i).groups = vec![of_category("runai-control-plane")];
            },
        ),
        (
            "BCM has no categories of workers",
            "batches",
            Some(Severity::Blocker),
            "BCM lists none of them in a category",
            |i| rollout(i).groups = vec![of_category("dgx-h100")],
        ),
        (
            "a category and a selector that no worker has together",
            "batches",
            Some(Severity::Blocker),
            "selector \"rack=r9\" with category \"dgx-h100\" matches none, or only workers of groups before it; correct the selector or the category",
            |i| {
                with_categories(i);
                rollout(i).groups = vec![Group { category: Some("dgx-h100".into()), ..group("rack=r9") }];
            },
        ),
        (
            "a category of all",
            "batches",
            Some(Severity::Warning),
            "has all 4 workers: category \"dgx-h100\" matches every one",
            |i| {
                with_categories(i);
                rollout(i).groups = vec![of_category("dgx-h100")];
            },
        ),
        ("a category and a selector of some", "batches", None, "", |i| {
            with_categories(i);
            rollout(i).groups = vec![Group { category: Some("dgx-h100".into()), ..group("rack=r1") }];
        }),
        (
            "a closed window of a group",
            "batches",
            Some(Severity::Note),
            "no window of group \"old\" is open now that is long enough for a node: a run that is started lets the workers of group \"old\" wait until 2026-11-27T22:00:00Z",
            |i| rollout(i).groups = vec![Group { windows: vec![night()], ..group("rack=r1") }],
        ),
        (
            "a window of a group in the past",
            "batches",
            Some(Severity::Blocker),
            "no window ever opens that is long enough for a node, which takes about 900 s, so that no lane of group \"old\" would begin",
            |i| {
                let past =
                    serde_json::json!({"date": "2026-11-01", "from": "22:00", "to": "23:00", "zone": "UTC"});
                rollout(i).groups = vec![Group { windows: vec![window(past)], ..group("rack=r1") }];
            },
        ),
        ("an elastic gang on more nodes than may go at once", "batches", None, "", |i| {
            declared(i, &["dgx030", "dgx031", "dgx032"], 1)
        }),
        ("an elastic gang that keeps enough pods", "batches", None, "", |i| {
            i.options.max_unavailable = 1;
            declared(i, &["dgx030", "dgx031", "dgx032"], 2);
        }),
        (
            "an elastic gang that does not",
            "batches",
            Some(Severity::Note),
            "job ml/PodGroup/llm works on 3 workers of this run",
            |i| declared(i, &["dgx030", "dgx031", "dgx032"], 2),
        ),
        (
            "a gang with fewer pods than it needs",
            "batches",
            Some(Severity::Warning),
            "1 gang has fewer pods than it needs, so that it does not work now and may wait for nodes: ml/PodGroup/llm (2 of at least 4)",
            |i| declared(i, &["dgx030", "dgx031"], 4),
        ),
        (
            "a gang whose pods are gone",
            "batches",
            Some(Severity::Note),
            "1 gang has no pod, so that the run interrupts nothing of it: ml/PodGroup/llm",
            |i| declared(i, &[], 4),
        ),
        ("a label that no worker has", "batches", Some(Severity::Blocker), "no worker has it", |i| {
            rollout(i).topology = Some(Topology { label: "nvlink".into(), take: Take::OneDomain });
        }),
        ("a closed window", "batches", Some(Severity::Note), "until 2026-11-27T22:00:00Z", |i| {
            let json = serde_json::json!({"days": [], "from": "22:00", "to": "06:00", "zone": "UTC"});
            rollout(i).windows = vec![serde_json::from_value::<Window>(json).unwrap()];
        }),
        (
            "a window that is too short",
            "batches",
            Some(Severity::Blocker),
            "no window ever opens that is long enough",
            |i| {
                let json = serde_json::json!({"days": [], "from": "22:00", "to": "22:05", "zone": "UTC"});
                rollout(i).windows = vec![serde_json::from_value::<Window>(json).unwrap()];
            },
        ),
        (
            "a gang that is too large",
            "batches",
            Some(Severity::Note),
            "job ml/PodGroup/llm works on 3 workers of this run, and 2 may be unavailable at once: it is interrupted at the first",
            |i| {
                i.cluster_survey.as_mut().unwrap().pods = Ok(gang(&["dgx030", "dgx031", "dgx032"]));
            },
        ),
        (
            "a gang with a node that is left out",
            "batches",
            Some(Severity::Note),
            "although 1 of its nodes is left out: dgx030",
            |i| {
                i.cluster_survey.as_mut().unwrap().pods = Ok(gang(&["dgx030", "dgx031"]));
                i.options.without = vec!["dgx030".into()];
            },
        ),
        (
            "another controller",
            "other-controllers",
            Some(Severity::Note),
            "kured cordons nodes of this cluster, too: dgx030",
            |i| {
                let node = i.inventory.nodes.iter_mut().find(|n| n.name == name("dgx030")).unwrap();
                node.view.controllers = vec![ForeignMark { by: "kured".into(), what: "annotation x".into() }];
            },
        ),
        (
            "a hook that can't be read",
            "checkpoints",
            Some(Severity::Warning),
            "would be evicted without a checkpoint: no JSON",
            |i| {
                let mut pods = gang(&["dgx030"]);
                pods[0].checkpoint_fault = Some("no JSON".into());
                i.cluster_survey.as_mut().unwrap().pods = Ok(pods);
            },
        ),
        ("never", "never-interrupt", Some(Severity::Blocker), "forbid", |i| {
            let mut pods = gang(&["dgx030"]);
            pods[0].never_interrupt = Some("podlift.io/never-interrupt=true".into());
            i.cluster_survey.as_mut().unwrap().pods = Ok(pods);
        }),
    ];
    for (what, check, severity, text, change) in cases {
        let plan = build(&fleet(vec![], change)).unwrap();
        let found: Vec<_> = plan.findings.iter().filter(|f| f.check == check).collect();
        assert_eq!(found.first().map(|f| f.severity), severity, "{what}: {found:?}");
        assert!(found.iter().all(|f| f.evidence.contains(text)), "{what}: {found:?}");
    }
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
