//! Jobs whose pods work together: Indexed Jobs whose template names a PodGroup, as KAI's scheduler knows them. What a training operator does
//! is as unkind as it gets: one pod that is evicted ends them all, and they come back together, only where all of them fit.

use super::owners;
use super::scheduler::Load;
use crate::api::evict;
use crate::objects::{Key, names};
use crate::world::gangs::{GROUP, member};
use crate::world::{State, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Namespace and name of a pod's gang.
pub fn of(pod: &Value) -> Option<(String, String)> {
    let m = &pod["metadata"];
    let text = |v: &Value| v.as_str().map(String::from);
    Some((text(&m["namespace"])?, text(&m["annotations"][GROUP])?))
}

fn size(job: &Value) -> usize {
    job["spec"]["parallelism"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

/// Ends the rest of a gang that has lost a pod, and makes its pods again when all are gone. `status.failed` counts how often that was.
pub fn keep(s: &mut State, world: &World, now: jiff::Timestamp) {
    let all = s.api.of("batch", "jobs").filter(|(_, v)| s.api.index().is_changed(v));
    let all: Vec<(Key, Value)> = all.map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, job) in all.into_iter().filter(|(_, job)| is_gang(job)) {
        let alive: Vec<Key> = owners::alive(s, &job).map(|(k, _)| k.clone()).collect();
        let (was, wanted) = (job["status"]["active"].as_u64().unwrap_or(0) as usize, size(&job));
        if alive.len() == wanted {
            active(s, &key, wanted, false);
        } else if owners::pods(s, &job).next().is_none() {
            (0..wanted).for_each(|i| make(s, world, &key, &job, i, now));
            active(s, &key, wanted, was == wanted);
        } else {
            alive.iter().for_each(|pod| drop(evict::terminate(s, pod, None, now)));
            active(s, &key, 0, was == wanted);
        }
    }
}

fn is_gang(job: &Value) -> bool {
    !job["spec"]["template"]["metadata"]["annotations"][GROUP].is_null()
}

fn active(s: &mut State, key: &Key, count: usize, failed: bool) {
    s.api.change(key, |v| {
        let before = v["status"]["failed"].as_u64().unwrap_or(0);
        v["status"] = json!({"active": count, "failed": before + u64::from(failed)});
    });
}

fn make(s: &mut State, world: &World, key: &Key, job: &Value, index: usize, now: jiff::Timestamp) {
    let serial = s.serial();
    let name = format!("{}-{index}-{}", key.name, names::suffix(&format!("{}{serial}", key.name), 5));
    let pod = member(job, &name, index, "", &world.shape, now);
    s.api.put(Key::pod(&key.namespace, &name), pod);
}

/// Gives each pending gang its nodes if all of its pods fit at once.
pub fn place(s: &mut State, load: &mut Load, pending: Vec<Key>) {
    let mut gangs: BTreeMap<(String, String), Vec<(Key, Value)>> = BTreeMap::new();
    for key in pending {
        if let Some(pod) = s.api.get(&key).cloned()
            && let Some(gang) = of(&pod)
        {
            gangs.entry(gang).or_default().push((key, pod));
        }
    }
    for pods in gangs.into_values() {
        let mut trial = load.clone();
        let nodes: Option<Vec<String>> = pods.iter().map(|(_, pod)| trial.place(s, pod)).collect();
        let Some(nodes) = nodes.filter(|n| n.len() == wanted(s, &pods)) else { continue };
        *load = trial;
        for ((key, _), node) in pods.iter().zip(nodes) {
            s.api.change(key, |v| v["spec"]["nodeName"] = json!(node));
        }
    }
}

/// How many pods the owner of these wants.
fn wanted(s: &State, pods: &[(Key, Value)]) -> usize {
    let job = pods.first().map(|(key, pod)| {
        let name = pod["metadata"]["ownerReferences"][0]["name"].as_str().unwrap_or_default();
        Key::new("batch", "jobs", &key.namespace, name)
    });
    job.and_then(|key| s.api.get(&key)).map_or(pods.len(), size)
}
