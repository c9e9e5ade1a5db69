//! The soft taint on the wire, and what the choice of a batch sees of nodes and pods.

use super::*;
use podlift_engine::survey::GangView;

const KEY: &str = "podlift.io/to-come";

fn ours(run: &str) -> Value {
    json!({"key": KEY, "value": run, "effect": "PreferNoSchedule"})
}

fn gpu() -> Value {
    json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"})
}

fn tainted(taints: Value) -> Value {
    let mut node = node(false, None);
    node["spec"]["taints"] = taints;
    node
}

fn set() -> ClusterAct {
    ClusterAct::SoftTaint { node: dgx(), run: run(), held: vec![] }
}

fn remove() -> ClusterAct {
    ClusterAct::SoftUntaint { node: dgx(), run: run() }
}

/// Each state of a node, the act, and the taints that the one patch writes; `None` if nothing is written.
fn table() -> Vec<(Value, ClusterAct, Option<Value>)> {
    vec![
        (json!(null), set(), Some(json!([ours("r1")]))),
        (json!([gpu()]), set(), Some(json!([gpu(), ours("r1")]))),
        (json!([ours("r1"), gpu()]), set(), None),
        (json!([ours("r0"), gpu()]), set(), Some(json!([gpu(), ours("r1")]))),
        (json!([gpu(), ours("r1")]), remove(), Some(json!([gpu()]))),
        (json!([ours("r1")]), remove(), Some(json!(null))),
        (json!([ours("r0"), gpu()]), remove(), None),
        (json!([gpu()]), remove(), None),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_soft_taint_is_one_patch_that_leaves_every_other_taint() {
    for (taints, act, want) in table() {
        let patched = format!("PATCH {NODE}");
        let api = Played::default().node(tainted(taints.clone())).on(&patched, &[(200, json!({}))]);
        api.act(act.clone()).await.unwrap();
        let patches = api.bodies(&patched);
        assert_eq!(patches.len(), usize::from(want.is_some()), "{act:?} on {taints}");
        let Some(patch) = patches.first() else { continue };
        assert_eq!(Some(&patch["spec"]["taints"]), want.as_ref(), "{act:?} on {taints}");
        assert_eq!(patch["metadata"]["resourceVersion"], "7", "the list that it repeats");
        assert_eq!(patch["spec"].as_object().map(|spec| spec.len()), Some(1), "{patch}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_taint_that_another_writer_adds_meanwhile_is_kept() {
    let (read, patched) = (format!("GET {NODE}"), format!("PATCH {NODE}"));
    let before = (200, tainted(json!([])));
    let after = (200, tainted(json!([gpu()])));
    let api = Played::default()
        .on(&read, &[before, after])
        .on(&patched, &[status(409, "the object has been modified"), (200, json!({}))]);
    api.act(set()).await.unwrap();
    let last = api.bodies(&patched).pop().unwrap();
    assert_eq!(last["spec"]["taints"], json!([gpu(), ours("r1")]));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_gone_has_no_taint_to_remove_and_gets_none() {
    let api = Played::default();
    assert!(api.act(remove()).await.unwrap().contains("not in the cluster any more"));
    assert_eq!(api.act(set()).await.unwrap_err().code, "node-gone");
}

#[tokio::test(start_paused = true)]
async fn another_coordinator_s_node_gets_no_taint() {
    let api = Played::default().node(node(true, Some(("r9", 6))));
    assert_eq!(api.act(set()).await.unwrap_err().code, "fenced");
    assert!(api.bodies(&format!("PATCH {NODE}")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn workloads_are_the_nodes_with_their_marks_and_the_pods_that_run() {
    let mut marked = tainted(json!([ours("r1"), {"key": "medik8s.io/drain", "effect": "NoSchedule"}]));
    marked["metadata"]["labels"] = json!({"rack": "r1"});
    let (mut done, mut mirror) = (pod("done", Some("Job")), pod("static", Some("Node")));
    done["status"]["phase"] = "Succeeded".into();
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    let mut kept = pod("kept", Some("Job"));
    kept["metadata"]["annotations"] =
        json!({"podlift.io/never-interrupt": "true", "podlift.io/checkpoint": "signal:USR1"});
    let nodes = json!({"metadata": {}, "items": [marked]});
    let group = json!({"metadata": {"namespace": "a", "name": "llm"}, "spec": {"minMember": 4}});
    let groups = json!({"metadata": {}, "items": [group]});
    let api = Played::default()
        .on("GET /api/v1/nodes", &[(200, nodes)])
        .on("GET /apis/scheduling.run.ai/v2alpha2/podgroups", &[(200, groups)])
        .pods(&[done, mirror, kept]);
    let Ok(ClusterReply::Workloads { nodes, pods, gangs }) = api.look(ClusterLook::Workloads).await else {
        panic!()
    };
    let [view] = nodes.as_slice() else { panic!("{nodes:?}") };
    assert_eq!((view.soft_taint.as_ref(), view.labels["rack"].as_str()), (Some(&run()), "r1"));
    assert_eq!(view.controllers.len(), 1, "{:?}", view.controllers);
    let [pod] = pods.as_slice() else { panic!("{pods:?}") };
    assert_eq!(
        (pod.name.as_str(), pod.never_interrupt.as_deref()),
        ("kept", Some("podlift.io/never-interrupt=true"))
    );
    assert!(pod.checkpoint.is_some() && pod.checkpoint_fault.is_none());
    let gang = GangView { id: "a/PodGroup/llm".into(), min_member: Some(4), pods: None };
    assert_eq!(gangs, [gang]);
}

#[tokio::test(start_paused = true)]
async fn gangs_are_listed_once_a_minute_and_a_choice_goes_on_without_them() {
    let list = "GET /apis/scheduling.run.ai/v2alpha2/podgroups";
    let group = json!({"metadata": {"namespace": "a", "name": "llm"}, "spec": {"minMember": 4}});
    let listed = (200, json!({"metadata": {}, "items": [group]}));
    let none = (200, json!({"metadata": {}, "items": []}));
    let api = Played::default()
        .on("GET /api/v1/nodes", &[(200, json!({"metadata": {}, "items": []}))])
        .on(list, &[listed, status(500, "etcdserver: request timed out"), none])
        .pods(&[]);
    let cluster = api.cluster();
    let mut seen = vec![];
    for _ in 0..13 {
        let Ok(ClusterReply::Workloads { gangs, .. }) = cluster.look(&ClusterLook::Workloads).await else {
            panic!()
        };
        seen.push(gangs.len());
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], "a list that fails is the last one");
    assert_eq!(api.bodies(list).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_is_for_pods_that_are_evicted_and_ask_for_one() {
    let asks = |mut pod: Value, text: &str| {
        pod["metadata"]["annotations"] = json!({"podlift.io/checkpoint": text});
        pod
    };
    let (mut done, mut ending) = (pod("done", Some("Job")), pod("ending", Some("Job")));
    done["status"]["phase"] = "Succeeded".into();
    ending["metadata"]["deletionTimestamp"] = "2026-11-22T03:00:30Z".into();
    let pods = [
        asks(pod("saves", Some("Job")), "[\"/save\"]"),
        asks(pod("unclear", Some("Job")), "save now"),
        asks(pod("bare", None), "signal:USR1"),
        asks(pod("static", Some("Node")), "signal:USR1"),
        asks(done, "signal:USR1"),
        asks(ending, "signal:USR1"),
        pod("quiet", Some("Job")),
    ];
    let mut pods = pods.to_vec();
    pods[3]["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x".into();
    let api = Played::default().node(node(true, None)).pods(&pods);
    let looked = api.look(ClusterLook::Checkpoints { node: dgx() }).await;
    let Ok(ClusterReply::Checkpoints(seen)) = looked else { panic!("{looked:?}") };
    let mut names: Vec<String> = seen.iter().map(|pod| format!("{} {}", pod.name, pod.uid)).collect();
    names.sort();
    assert_eq!(names, ["bare uid-bare", "saves uid-saves", "unclear uid-unclear"]);
}

#[tokio::test(start_paused = true)]
async fn people_in_pods_that_are_evicted_are_told_once() {
    let works = |mut pod: Value| {
        pod["metadata"]["labels"] = json!({"podlift.io/interactive": "true"});
        pod
    };
    let mut ending = works(pod("ending", Some("Job")));
    ending["metadata"]["deletionTimestamp"] = "2026-11-22T03:00:30Z".into();
    let pods = [works(pod("notebook", Some("StatefulSet"))), ending, pod("quiet", Some("Job"))];
    let api = Played::default().node(node(true, None)).pods(&pods);
    let looked = api.look(ClusterLook::Interactive { node: dgx() }).await;
    let Ok(ClusterReply::Interactive(seen)) = looked else { panic!("{looked:?}") };
    let names: Vec<&str> = seen.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["notebook"]);
    let act = ClusterAct::Warn { node: dgx(), run: run(), seconds: 600, pods: seen };
    for (answer, want) in [
        ((201, json!({})), Ok("told the people in 1 pod")),
        (status(409, "already exists"), Ok("told the people in 1 pod")),
        (status(403, "events is forbidden"), Err("events is forbidden")),
    ] {
        let api = Played::default().node(node(true, None)).on("POST /api/v1/namespaces/a/events", &[answer]);
        let told = api.act(act.clone()).await;
        match (told, want) {
            (Ok(line), Ok(want)) => assert_eq!(line, want),
            (Err(failure), Err(want)) => assert!(failure.message.contains(want), "{}", failure.message),
            (other, want) => panic!("{other:?}, expected {want:?}"),
        }
        let bodies = api.bodies("POST /api/v1/namespaces/a/events");
        let [event] = &bodies[..] else { panic!("{bodies:?}") };
        assert_eq!(
            (&event["involvedObject"]["uid"], &event["type"]),
            (&json!("uid-notebook"), &json!("Warning"))
        );
        assert!(
            event["message"].as_str().unwrap().contains("node dgx030 is upgraded: save your work"),
            "{event}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_names_the_pods_that_must_not_be_interrupted() {
    let mut never = pod("never", Some("Job"));
    never["metadata"]["labels"] = json!({"podlift.io/never-interrupt": "true"});
    let api = Played::default().node(node(true, None)).pods(&[never, pod("web", Some("ReplicaSet"))]);
    let view = api.pods_to_evict(DrainOptions::default()).await;
    assert_eq!(
        (view.evict.len(), view.never),
        (2, vec!["a/never (podlift.io/never-interrupt=true)".to_string()])
    );
}

#[tokio::test(start_paused = true)]
async fn a_cordon_that_a_person_has_set_anew_under_our_mark_is_the_person_s() {
    let fields = json!({"f:spec": {"f:unschedulable": {}}});
    for (manager, code) in [("podlift", None), ("kubectl-cordon", Some("cordon-foreign"))] {
        let mut object = node(true, Some(("r1", 5)));
        object["metadata"]["managedFields"] = json!([{"manager": manager, "fieldsV1": fields}]);
        let patched = format!("PATCH {NODE}");
        let api = Played::default().node(object).on(&patched, &[(200, json!({}))]);
        let cordoned =
            api.act(ClusterAct::Cordon { node: dgx(), run: run(), from: None, held: vec![] }).await;
        assert_eq!(cordoned.err().map(|f| f.code).as_deref(), code, "{manager}");
        api.act(ClusterAct::Uncordon { node: dgx(), run: run() }).await.unwrap();
        let patch = api.bodies(&patched).pop().unwrap();
        assert_eq!(patch["metadata"]["annotations"]["podlift.io/owner"], Value::Null);
        assert_eq!(patch["spec"].is_null(), code.is_some(), "{manager}: {patch}");
    }
}

#[test]
fn taints_that_keep_pods_away_are_part_of_the_nodes_view() {
    let node = tainted(json!([
        gpu(),
        ours("r1"),
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        {"key": "runai", "value": "drain", "effect": "NoExecute", "timeAdded": "2026-11-27T10:00:00Z"},
    ]));
    let view = super::super::nodes::view(&node).unwrap();
    let told: Vec<(&str, &str)> = view.taints.iter().map(|t| (t.key.as_str(), t.effect.as_str())).collect();
    assert_eq!(told, [("nvidia.com/gpu", "NoSchedule"), ("runai", "NoExecute")]);
    assert_eq!(super::super::nodes::view(&tainted(json!(null))).unwrap().taints, []);
}
