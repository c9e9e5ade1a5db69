//! The status of what makes pods: how many there are, and how many are ready. Also pods that a ReplicaSet has too many of.

use super::index::ByOwner;
use crate::api::{budgets, evict};
use crate::objects::Key;
use crate::world::State;
use serde_json::{Value, json};

struct Pods {
    all: i64,
    ready: i64,
    newest: i64,
}

fn of(alive: &ByOwner<'_>, owner: &Value, newest: impl Fn(&Value) -> bool) -> Pods {
    let mut count = Pods { all: 0, ready: 0, newest: 0 };
    for (_, pod) in alive.pods(owner) {
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
    for (key, status) in statuses(s) {
        s.api.change(&key, |v| v["status"] = status);
    }
    for (key, deployment) in keys(s, "deployments") {
        deployment_status(s, &key, &deployment);
    }
}

/// Of ReplicaSets and DaemonSets.
fn statuses(s: &State) -> Vec<(Key, Value)> {
    let alive = ByOwner::alive(s);
    let of_set = |set: &Value| {
        let n = of(&alive, set, |_| true);
        json!({"replicas": n.all, "fullyLabeledReplicas": n.all, "readyReplicas": n.ready, "availableReplicas": n.ready,
            "observedGeneration": set["metadata"]["generation"]})
    };
    let of_daemons = |set: &Value| {
        let image = &set["spec"]["template"]["spec"]["containers"][0]["image"];
        let n = of(&alive, set, |p| p["spec"]["containers"][0]["image"] == *image);
        json!({"currentNumberScheduled": n.all, "desiredNumberScheduled": n.all, "numberMisscheduled": 0, "numberReady": n.ready,
            "numberAvailable": n.ready, "updatedNumberScheduled": n.newest, "observedGeneration": set["metadata"]["generation"]})
    };
    let sets = s.api.of("apps", "replicasets").map(|(k, v)| (k.clone(), of_set(v)));
    sets.chain(s.api.of("apps", "daemonsets").map(|(k, v)| (k.clone(), of_daemons(v)))).collect()
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
    for key in surplus(s) {
        evict::terminate(s, &key, None, now);
    }
}

fn surplus(s: &State) -> Vec<Key> {
    let alive = ByOwner::alive(s);
    let mut gone = vec![];
    for (_, set) in s.api.of("apps", "replicasets") {
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(0) as usize;
        let mine = alive.pods(set);
        if mine.len() <= wanted {
            continue;
        }
        let order = |(k, v): &(&Key, &Value)| {
            (budgets::ready(v), v["metadata"]["creationTimestamp"].to_string(), Key::clone(k))
        };
        let mut pods: Vec<(bool, String, Key)> = mine.iter().map(order).collect();
        pods.sort_by(|a, b| (a.0, &b.1, &b.2).cmp(&(b.0, &a.1, &a.2)));
        gone.extend(pods.into_iter().take(mine.len() - wanted).map(|(_, _, key)| key));
    }
    gone
}
