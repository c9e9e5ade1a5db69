//! What a plan finds about the rules for workers and the jobs on them.

use super::*;

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
