//! What is recorded of a node, when it is recorded again, and when it goes.

use super::*;
use podlift_engine::doors::Owner;
use podlift_model::{Epoch, InstanceId};

fn run(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

/// A node with a record (run, cordoned before), a cordon with the mark of a run, and taints.
struct Node {
    before: Option<(&'static str, bool)>,
    cordoned: bool,
    /// `unschedulable` has this manager.
    by: Option<&'static str>,
    owner: Option<&'static str>,
    taints: Value,
}

impl Default for Node {
    fn default() -> Self {
        Self { before: None, cordoned: false, by: None, owner: None, taints: json!(null) }
    }
}

impl Node {
    fn object(&self) -> Value {
        let mut annotations = json!({});
        if let Some((name, unschedulable)) = self.before {
            let before =
                Before { run: run(name), unschedulable, taints: vec![], held: vec!["kubelet".into()] };
            annotations[BEFORE] = json!(serde_json::to_string(&before).unwrap());
        }
        if let Some(name) = self.owner {
            let epoch = Epoch { number: 5, instance: InstanceId::new("one").unwrap() };
            let owner = Owner { run: run(name), epoch, over: false };
            annotations[owner::OWNER] = json!(serde_json::to_string(&owner).unwrap());
        }
        let fields = json!({"f:spec": {"f:unschedulable": {}}});
        let managers: Vec<Value> =
            self.by.iter().map(|m| json!({"manager": m, "fieldsV1": fields})).collect();
        json!({
            "metadata": {"name": "dgx030", "annotations": annotations, "managedFields": managers},
            "spec": {"unschedulable": self.cordoned, "taints": self.taints},
        })
    }
}

/// The record that a patch writes.
fn written(patch: &Value) -> Option<Before> {
    Some(serde_json::from_str(patch["metadata"]["annotations"][BEFORE].as_str()?).unwrap())
}

/// What a change of run r1 records: whether the node was cordoned by others; `None` if nothing is written.
fn recorded(node: &Node) -> Option<bool> {
    let mut patch = json!({"metadata": {}});
    record(&node.object(), &run("r1"), &[], &mut patch);
    written(&patch).map(|before| before.unschedulable)
}

#[test]
fn a_cordon_of_others_is_recorded_and_one_of_podlift_is_not() {
    let cordon = |owner, by| Node { cordoned: true, owner, by, ..Node::default() };
    let table = [
        (Node::default(), Some(false)),
        (cordon(None, Some("kubectl-cordon")), Some(true)),
        (cordon(None, None), Some(true)),
        // An ended run has left its cordon.
        (cordon(Some("r0"), Some("podlift")), Some(false)),
        (cordon(Some("r0"), None), Some(false)),
        // A person has cordoned the node anew under the mark of that run.
        (cordon(Some("r0"), Some("kubectl-cordon")), Some(true)),
        // That run found the node cordoned.
        (Node { before: Some(("r0", true)), ..cordon(Some("r0"), Some("podlift")) }, Some(true)),
        (Node { before: Some(("r0", true)), ..Node::default() }, Some(false)),
        (Node { before: Some(("other", true)), ..cordon(Some("r0"), Some("podlift")) }, Some(false)),
        // This run has recorded it before.
        (Node { before: Some(("r1", false)), ..cordon(None, None) }, None),
        (Node { before: Some(("r1", true)), ..Node::default() }, None),
    ];
    for (node, want) in table {
        assert_eq!(recorded(&node), want, "{}", node.object());
    }
}

#[test]
fn a_record_has_every_taint_of_others_with_all_its_fields() {
    let gpu = json!({"key": "nvidia.com/gpu", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"});
    let soft = json!({"key": "podlift.io/to-come", "value": "r0", "effect": "PreferNoSchedule"});
    let same_key = json!({"key": "podlift.io/to-come", "value": "x", "effect": "NoSchedule"});
    let cordon = json!({"key": CORDON_TAINT, "effect": "NoSchedule"});
    let node = Node { taints: json!([cordon, gpu, soft, same_key]), ..Node::default() };
    let mut patch = json!({"metadata": {"resourceVersion": "7"}});
    record(&node.object(), &run("r1"), &["kubeadm".into(), "kubelet".into()], &mut patch);
    let want = Before {
        run: run("r1"),
        unschedulable: false,
        taints: vec![gpu, same_key],
        held: vec!["kubeadm".into(), "kubelet".into()],
    };
    assert_eq!(written(&patch), Some(want));
    assert_eq!(patch["metadata"]["resourceVersion"], "7", "the same patch");
    let text = patch["metadata"]["annotations"][BEFORE].as_str().unwrap();
    assert!(text.starts_with(r#"{"run":"r1","unschedulable":false,"taints":["#), "{text}");
}

#[test]
fn a_cordon_that_others_have_ended_since_the_soft_taint_is_not_restored() {
    for (before, want) in [
        (None, Some(false)),
        (Some(("r0", true)), Some(false)),
        (Some(("r1", false)), None),
        (Some(("r1", true)), Some(false)),
    ] {
        let node = Node { before, ..Node::default() };
        let mut patch = json!({"metadata": {}});
        record_cordon(&node.object(), &run("r1"), &[], &mut patch);
        let record = written(&patch);
        assert_eq!(record.as_ref().map(|before| before.unschedulable), want, "{before:?}");
        if before == Some(("r1", true)) {
            assert_eq!(record.unwrap().held, ["kubelet"], "the rest of the record stays");
        }
    }
}

#[test]
fn a_record_goes_with_the_last_mark_of_its_run_and_with_no_other() {
    for (before, another_mark, goes) in [
        (Some(("r1", false)), false, true),
        (Some(("r1", false)), true, false),
        (Some(("r0", false)), false, false),
        (None, false, false),
    ] {
        let node = Node { before, ..Node::default() };
        let mut patch = json!({"metadata": {}});
        forget(&node.object(), &run("r1"), another_mark, &mut patch);
        let annotations = patch["metadata"]["annotations"].as_object();
        assert_eq!(annotations.is_some_and(|all| all.get(BEFORE) == Some(&Value::Null)), goes, "{before:?}");
        assert_eq!(annotations.is_some(), goes, "nothing else is patched");
    }
}

#[test]
fn a_record_that_can_t_be_read_is_nobody_s_and_is_replaced() {
    for text in ["", "{}", "yes", r#"{"run":"not a run"}"#] {
        let object = json!({"metadata": {"annotations": { BEFORE: text }}, "spec": {}});
        assert_eq!(of(&object), None, "{text}");
        let mut patch = json!({"metadata": {}});
        record(&object, &run("r1"), &[], &mut patch);
        assert!(written(&patch).is_some(), "{text}");
    }
    let short = json!({"metadata": {"annotations": { BEFORE: r#"{"run":"r1","later":1}"# }}});
    let want = Before { run: run("r1"), unschedulable: false, taints: vec![], held: vec![] };
    assert_eq!(of(&short), Some(want), "fields of a later version are passed over");
}
