//! The status of what makes pods: how many there are, and how many are ready. Also pods that a ReplicaSet has too many of.

use super::owners;
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
    let mut count = Pods { all: 0, ready: 0, newest: 0 };
    for (_, pod) in owners::alive(s, owner) {
        count.all += 1;
        count.ready += i64::from(budgets::ready(pod));
        count.newest += i64::from(newest(pod));
    }
    count
}

pub fn refresh(s: &mut State) {
    for (key, status) in statuses(s) {
        s.api.change(&key, |v| v["status"] = status);
    }
    for (key, deployment) in owners::changed(s, "deployments") {
        deployment_status(s, &key, &deployment);
    }
}

/// Of ReplicaSets and DaemonSets.
fn statuses(s: &State) -> Vec<(Key, Value)> {
    let of_set = |set: &Value| {
        let n = of(s, set, |_| true);
        json!({"replicas": n.all, "fullyLabeledReplicas": n.all, "readyReplicas": n.ready, "availableReplicas": n.ready,
            "observedGeneration": set["metadata"]["generation"]})
    };
    let of_daemons = |set: &Value| {
        let image = &set["spec"]["template"]["spec"]["containers"][0]["image"];
        let newest =
            |p: &Value| p["spec"]["containers"][0]["image"] == *image && owners::is_restarted(p, set);
        let n = of(s, set, newest);
        json!({"currentNumberScheduled": n.all, "desiredNumberScheduled": n.all, "numberMisscheduled": 0, "numberReady": n.ready,
            "numberAvailable": n.ready, "updatedNumberScheduled": n.newest, "observedGeneration": set["metadata"]["generation"]})
    };
    let sets = owners::changed(s, "replicasets").into_iter().map(|(k, v)| (k, of_set(&v)));
    sets.chain(owners::changed(s, "daemonsets").into_iter().map(|(k, v)| (k, of_daemons(&v)))).collect()
}

fn deployment_status(s: &mut State, key: &Key, deployment: &Value) {
    let newest = format!("{}-{}", key.name, crate::world::pods::template_hash(deployment));
    let mut sum = [0; 3];
    for (k, set) in owners::replica_sets(s, deployment) {
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
    let mut gone = vec![];
    for (_, set) in owners::changed(s, "replicasets") {
        let wanted = set["spec"]["replicas"].as_u64().unwrap_or(0) as usize;
        let mine: Vec<(&Key, &Value)> = owners::alive(s, &set).collect();
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
