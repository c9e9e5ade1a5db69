//! The record of a node as it was, over its whole life on one Node object: each act is a look and a patch, and the patch is applied.

use super::*;

const BEFORE: &str = "podlift.io/before";
const OWNER: &str = "podlift.io/owner";
const TO_COME: &str = "podlift.io/to-come";

/// A Node object that patches change. Every act is of a coordinator with this epoch.
struct Site {
    object: Value,
    epoch: u64,
    patches: Vec<Value>,
    reads: usize,
}

fn run_of(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

fn held() -> Vec<String> {
    vec!["kubeadm".into(), "kubelet".into()]
}

fn cordon(run: &str, from: Option<&str>) -> ClusterAct {
    ClusterAct::Cordon { node: dgx(), run: run_of(run), from: from.map(run_of), held: held() }
}

fn uncordon(run: &str) -> ClusterAct {
    ClusterAct::Uncordon { node: dgx(), run: run_of(run) }
}

fn taint(run: &str) -> ClusterAct {
    ClusterAct::SoftTaint { node: dgx(), run: run_of(run), held: held() }
}

fn untaint(run: &str) -> ClusterAct {
    ClusterAct::SoftUntaint { node: dgx(), run: run_of(run) }
}

/// As the API merges a patch: null removes.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return *into = patch.clone() };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => drop(into.as_object_mut().and_then(|all| all.remove(key))),
            value => merge(&mut into[key.as_str()], value),
        }
    }
}

impl Site {
    fn of(object: Value) -> Self {
        Self { object, epoch: 5, patches: vec![], reads: 0 }
    }

    async fn act(&mut self, act: ClusterAct) -> Result<String, Failure> {
        let (read, patched) = (format!("GET {NODE}"), format!("PATCH {NODE}"));
        let api = Played::default().node(self.object.clone()).on(&patched, &[(200, json!({}))]);
        let said = api.cluster().act(&act, &epoch(self.epoch)).await;
        let patches = api.bodies(&patched);
        for patch in &patches {
            assert_eq!(patch["metadata"]["resourceVersion"], self.object["metadata"]["resourceVersion"]);
            merge(&mut self.object, patch);
        }
        self.reads += api.bodies(&read).len();
        self.patches.extend(patches);
        said
    }

    async fn acts(&mut self, acts: impl IntoIterator<Item = ClusterAct>) {
        for act in acts {
            self.act(act).await.unwrap();
        }
    }

    fn annotation(&self, key: &str) -> Option<Value> {
        let text = self.object["metadata"]["annotations"][key].as_str()?;
        Some(serde_json::from_str(text).unwrap())
    }

    fn before(&self) -> Option<Value> {
        self.annotation(BEFORE)
    }

    /// Cordoned, run of the cordon's mark, run of the soft taint, run of the record.
    fn marks(&self) -> (bool, Option<String>, Option<String>, Option<String>) {
        let text = |value: Option<Value>| value.and_then(|v| Some(v["run"].as_str()?.to_string()));
        let taints = self.object["spec"]["taints"].as_array().into_iter().flatten();
        let soft = taints.filter(|t| t["key"] == TO_COME).find_map(|t| t["value"].as_str().map(String::from));
        let cordoned = self.object["spec"]["unschedulable"].as_bool().unwrap_or(false);
        (cordoned, text(self.annotation(OWNER)), soft, text(self.before()))
    }
}

fn gpu() -> Value {
    json!({"key": "nvidia.com/gpu", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"})
}

fn plain() -> Value {
    let mut object = node(false, None);
    object["spec"]["taints"] = json!([gpu()]);
    object
}

fn marks(
    cordoned: bool,
    owner: &str,
    soft: &str,
    before: &str,
) -> (bool, Option<String>, Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
    (cordoned, some(owner), some(soft), some(before))
}

#[tokio::test(start_paused = true)]
async fn the_first_change_writes_the_record_in_its_own_patch_and_no_request_more() {
    for first in [taint("r1"), cordon("r1", None)] {
        let mut site = Site::of(plain());
        site.act(first).await.unwrap();
        assert_eq!((site.reads, site.patches.len()), (1, 1));
        let want =
            json!({"run": "r1", "unschedulable": false, "taints": [gpu()], "held": ["kubeadm", "kubelet"]});
        assert_eq!(site.before(), Some(want));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_writes_its_record_once_and_takes_it_away_with_its_last_mark() {
    let mut site = Site::of(plain());
    site.acts([taint("r1")]).await;
    let record = site.before();
    site.object["spec"]["taints"].as_array_mut().unwrap().push(json!({"key": "late", "effect": "NoExecute"}));
    site.acts([cordon("r1", None), cordon("r1", None)]).await;
    assert_eq!(site.before(), record, "not what has come since");
    assert_eq!(site.marks(), marks(true, "r1", "r1", "r1"));
    let mut other_way = Site::of(site.object.clone());
    site.acts([untaint("r1")]).await;
    assert_eq!(site.marks(), marks(true, "r1", "", "r1"), "the cordon is still there");
    site.acts([uncordon("r1")]).await;
    assert_eq!(site.marks(), marks(false, "", "", ""));
    other_way.acts([uncordon("r1")]).await;
    assert_eq!(other_way.marks(), marks(false, "", "r1", "r1"), "the soft taint is still there");
    other_way.acts([untaint("r1")]).await;
    assert_eq!(other_way.marks(), marks(false, "", "", ""));
    assert_eq!(other_way.object["spec"]["taints"].as_array().unwrap().len(), 2, "those of others stay");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_of_the_next_epoch_renews_the_mark_and_leaves_the_record() {
    let mut site = Site::of(plain());
    site.acts([cordon("r1", None)]).await;
    let record = site.object["metadata"]["annotations"][BEFORE].clone();
    site.epoch = 6;
    assert!(site.act(cordon("r1", None)).await.unwrap().contains("owner renewed"));
    assert_eq!(site.annotation(OWNER).unwrap()["epoch"]["number"], 6);
    assert_eq!(site.object["metadata"]["annotations"][BEFORE], record);
    assert_eq!(site.patches[1]["metadata"]["annotations"].get(BEFORE), None, "not even the same text");
    site.epoch = 5;
    assert_eq!(site.act(uncordon("r1")).await.unwrap_err().code, "fenced");
    site.epoch = 7;
    site.acts([uncordon("r1")]).await;
    assert_eq!(site.marks(), marks(false, "", "", ""));
}

#[tokio::test(start_paused = true)]
async fn the_record_of_an_ended_run_is_taken_over_and_its_cordon_is_none_of_others() {
    let mut site = Site::of(plain());
    site.acts([taint("r0"), cordon("r0", None)]).await;
    site.object["spec"]["taints"].as_array_mut().unwrap().push(json!({
        "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule",
    }));
    site.acts([taint("r1")]).await;
    assert_eq!(site.marks(), marks(true, "r0", "r1", "r1"));
    let record = site.before().unwrap();
    assert_eq!((&record["unschedulable"], &record["taints"]), (&json!(false), &json!([gpu()])));
    site.acts([cordon("r1", Some("r0"))]).await;
    assert_eq!((site.marks(), site.before()), (marks(true, "r1", "r1", "r1"), Some(record)));
    site.acts([untaint("r1"), uncordon("r1")]).await;
    assert_eq!(site.marks(), marks(false, "", "", ""));
}

/// As `podlift node release` does it, in both orders of the marks.
#[tokio::test(start_paused = true)]
async fn a_release_takes_the_marks_of_an_ended_run_and_leaves_those_of_the_next_one() {
    let mut site = Site::of(plain());
    site.acts([taint("r0"), cordon("r0", None), untaint("r0"), uncordon("r0")]).await;
    assert_eq!(site.marks(), marks(false, "", "", ""));
    let mut taken = Site::of(plain());
    taken.acts([cordon("r0", None), taint("r1"), uncordon("r0")]).await;
    assert_eq!(taken.marks(), marks(false, "", "r1", "r1"), "the open run's record is not the ended run's");
    taken.acts([untaint("r1")]).await;
    assert_eq!(taken.marks(), marks(false, "", "", ""));
    // A person has uncordoned the node, and the mark of the run is still there.
    let mut unmarked = Site::of(plain());
    unmarked.acts([cordon("r0", None)]).await;
    unmarked.object["spec"]["unschedulable"] = Value::Null;
    unmarked.acts([uncordon("r0")]).await;
    assert_eq!(unmarked.marks(), marks(false, "", "", ""));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_cordoned_before_stays_so_and_loses_only_our_marks() {
    let record = json!({"run": "r1", "unschedulable": true, "taints": [], "held": []}).to_string();
    for (record, stays) in [(Some(record), true), (None, false)] {
        let mut object = node(true, Some(("r1", 5)));
        if let Some(record) = record {
            object["metadata"]["annotations"][BEFORE] = record.into();
        }
        let mut site = Site::of(object);
        let said = site.act(uncordon("r1")).await.unwrap();
        assert_eq!(said.contains("was cordoned before run r1 and stays so"), stays, "{said}");
        assert_eq!(site.marks(), marks(stays, "", "", ""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cordon_that_others_have_ended_since_our_soft_taint_does_not_come_back() {
    let mut site = Site::of(node(true, None));
    site.acts([taint("r1")]).await;
    assert_eq!(site.before().unwrap()["unschedulable"], true);
    assert_eq!(site.act(cordon("r1", None)).await.unwrap_err().code, "cordon-foreign");
    site.object["spec"]["unschedulable"] = Value::Null;
    site.acts([cordon("r1", None), untaint("r1"), uncordon("r1")]).await;
    assert_eq!(site.marks(), marks(false, "", "", ""));
}

#[tokio::test(start_paused = true)]
async fn a_cordon_that_others_take_over_stays_theirs_and_the_record_goes() {
    let mut site = Site::of(plain());
    site.acts([cordon("r1", None)]).await;
    let fields = json!({"f:spec": {"f:unschedulable": {}}});
    site.object["metadata"]["managedFields"] = json!([{"manager": "kubectl-cordon", "fieldsV1": fields}]);
    assert!(site.act(uncordon("r1")).await.unwrap().contains("cordoned by kubectl-cordon meanwhile"));
    assert_eq!(site.marks(), marks(true, "", "", ""));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_records_the_node_as_it_was_right_before_the_patch() {
    let (read, patched) = (format!("GET {NODE}"), format!("PATCH {NODE}"));
    let mut later = node(false, None);
    later["metadata"]["resourceVersion"] = "8".into();
    later["spec"]["taints"] = json!([gpu()]);
    let api = Played::default()
        .on(&read, &[(200, node(false, None)), (200, later)])
        .on(&patched, &[status(409, "modified"), (200, json!({}))]);
    api.act(cordon("r1", None)).await.unwrap();
    let last = api.bodies(&patched).pop().unwrap();
    let record: Value =
        serde_json::from_str(last["metadata"]["annotations"][BEFORE].as_str().unwrap()).unwrap();
    assert_eq!((&last["metadata"]["resourceVersion"], &record["taints"]), (&json!("8"), &json!([gpu()])));
}
