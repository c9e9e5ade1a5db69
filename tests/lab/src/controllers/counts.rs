//! The status of what makes pods: how many there are, and how many are ready. Also pods that a ReplicaSet has too many of.

use crate::api::{budgets, evict};
use crate::objects::Key;
use crate::world::State;
use serde_json::{Value, json};

struct Pods {
    all: i64,
    ready: i64,
    newest: i64,
}

fn of(s: &State, owner: &Value, newest: impl Fn(&Value) -> bool) -> Pods {
    let mine = |v: &Value| {
        v["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|o| o["uid"] == owner["metadata"]["uid"])
    };
    let mut count = Pods { all: 0, ready: 0, newest: 0 };
    for (_, pod) in s.api.pods().filter(|(_, v)| mine(v) && v["metadata"]["deletionTimestamp"].is_null()) {
        count.all += 1;
        count.ready += i64::from(budgets::ready(pod));
        count.newest += i64::from(newest(pod));
    }
    count
}

fn keys(s: &State, resource: &str) -> Vec<(Key, Value)> {
    s.api.of("apps", resource).map(|(k, v)| (k.clone(), v.clone())).collect()
}

pub fn refresh(s: &mut State) {
    for (key, set) in keys(s, "replicasets") {
        let n = of(s, &set, |_| true);
        let generation = set["metadata"]["generation"].clone();
        s.api.change(&key, |v| {
            v["status"] = json!({"replicas": n.all, "fullyLabeledReplicas": n.all, "readyReplicas": n.ready, "availableReplicas": n.ready,
                "observedGeneration": generation});
        });
    }
    for (key, set) in keys(s, "daemonsets") {
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        let n = of(s, &set, |p| p["spec"]["containers"][0]["image"] == image);
        let generation = set["metadata"]["generation"].clone();
        s.api.change(&key, |v| {
            v["status"] = json!({"currentNumberScheduled": n.all, "desiredNumberScheduled": n.all, "numberMisscheduled": 0, "numberReady": n.ready,
                "numberAvailable": n.ready, "updatedNumberScheduled": n.newest, "observedGeneration": generation});
        });
    }
    for (key, deployment) in keys(s, "deployments") {
        deployment_status(s, &key, &deployment);
    }
}

fn deployment_status(s: &mut State, key: &Key, deployment: &Value) {
    let uid = &deployment["metadata"]["uid"];
    let newest = format!("{}-{}", key.name, crate::world::pods::template_hash(deployment));
    let mut sum = [0; 3];
    for (k, set) in
        s.api.of("apps", "replicasets").filter(|(_, v)| v["metadata"]["ownerReferences"][0]["uid"] == *uid)
    {
        let n = |name: &str| set["status"][name].as_i64().unwrap_or(0);
        sum[0] += n("replicas");
        sum[1] += n("readyReplicas");
        sum[2] += if k.name == newest { n("replicas") } else { 0 };
    }
    let generation = deployment["metadata"]["generation"].clone();
    s.api.change(key, |v| {
        v["status"] = json!({"replicas": sum[0], "readyReplicas": sum[1], "availableReplicas": sum[1], "updatedReplicas": sum[2],
            "observedGeneration": generation});
    });
}

/// Those that do not run yet go first, then the youngest.
pub fn trim(s: &mut State, now: jiff::Timestamp) {
    for (_, set) in keys(s, "replicasets") {
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(0) as usize;
        let mine = |v: &Value| v["metadata"]["ownerReferences"][0]["uid"] == set["metadata"]["uid"];
        let alive = s.api.pods().filter(|(_, v)| mine(v) && v["metadata"]["deletionTimestamp"].is_null());
        let mut pods: Vec<(bool, String, Key)> = alive
            .map(|(k, v)| (budgets::ready(v), v["metadata"]["creationTimestamp"].to_string(), k.clone()))
            .collect();
        pods.sort_by(|a, b| (a.0, &b.1, &b.2).cmp(&(b.0, &a.1, &a.2)));
        let extra = pods.len().saturating_sub(wanted);
        for (_, _, key) in pods.into_iter().take(extra) {
            evict::terminate(s, &key, None, now);
        }
    }
}
