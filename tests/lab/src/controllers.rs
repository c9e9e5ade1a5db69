//! What kube-controller-manager and the kubelets do to ordinary pods: evicted ones end, ReplicaSets make new ones elsewhere, DaemonSets
//! roll, budgets are counted, a silent kubelet's node turns Unknown. A tick of one lab second; never anything about static pods.

mod claims;
mod counts;
mod endpoints;
mod gangs;
mod namespaces;
mod once;
mod owners;
mod scheduler;
mod taints;
mod tigera;

pub(crate) use endpoints::selected;

use crate::api::budgets;
use crate::kubelet;
use crate::objects::{Key, names};
use crate::world::{State, World, balancers, pods};
use scheduler::Load;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Seconds after which a silent node is Unknown.
const GRACE: u32 = 40;

pub async fn run(world: Arc<World>) {
    let mut silent: BTreeMap<String, u32> = BTreeMap::new();
    let mut settled = None;
    loop {
        world.sleep(Duration::from_secs(1)).await;
        if world.lock().fronts().is_empty() {
            continue;
        }
        nodes(&world, &mut silent);
        // There is nothing to do until the state changes.
        if settled == Some(world.lock().api.version) {
            continue;
        }
        let (changed, version) = tick(&world);
        settled = (!changed && !unsettled(&world.lock())).then_some(version);
        if changed {
            world.update(|_| ());
        }
    }
}

/// Whether anything changed, and the version afterwards.
fn tick(world: &Arc<World>) -> (bool, u64) {
    let now = world.clock.now();
    let mut s = world.lock();
    let before = s.api.version;
    s.api.turn();
    namespaces::keep(&mut s, now);
    taints::follow_cordons(&mut s, now);
    owners::collect(&mut s, now);
    end_pods(&mut s, world.shape.factor, now);
    if world.shape.runbook {
        // Elsewhere no provider is installed, and a service waits for its address.
        balancers::assign(&mut s, now);
    }
    claims::keep(&mut s, now);
    tigera::cycle(&mut s, world.shape.factor, now);
    start_pods(&mut s, world, now);
    owners::deployments(&mut s, now);
    owners::daemon_sets(&mut s, world, now);
    replace_pods(&mut s, world, now);
    gangs::keep(&mut s, world, now);
    counts::trim(&mut s, now);
    roll(&mut s, world, now);
    pull_again(&mut s, world, now);
    counts::refresh(&mut s);
    if world.shape.runbook {
        endpoints::keep(&mut s, now);
    }
    budgets::refresh(&mut s, now);
    (s.api.version != before, s.api.version)
}

/// Time alone ends a terminating pod, and an image can come without a change of the API.
fn unsettled(s: &State) -> bool {
    let ends = |v: &Value| !v["metadata"]["deletionTimestamp"].is_null();
    tigera::acts(s) || s.api.unsettled_pods().any(|(_, v)| ends(v) || pods::waits_for_image(v))
}

fn nodes(world: &Arc<World>, silent: &mut BTreeMap<String, u32>) {
    for node in world.shape.nodes() {
        let up = world.lock().node(node).kubelet.running.is_some();
        let count = silent.entry(node.clone()).or_default();
        *count = if up { 0 } else { *count + 1 };
        if *count == GRACE {
            kubelet::set_condition(
                world,
                node,
                "Unknown",
                "NodeStatusUnknown",
                "Kubelet stopped posting node status.",
            );
        }
    }
}

/// Terminating pods end after their grace period, two lab seconds at most here, if their kubelet runs.
fn end_pods(s: &mut State, factor: u32, now: jiff::Timestamp) {
    let due = |v: &Value| {
        let at: Option<jiff::Timestamp> = v["metadata"]["deletionTimestamp"].as_str()?.parse().ok();
        let grace = v["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
        let asked = at?.checked_sub(jiff::SignedDuration::from_secs(grace)).ok()?;
        (now.duration_since(asked).as_millis() >= i128::from(grace.min(2)) * 1000 / i128::from(factor.max(1)))
            .then_some(())
    };
    let ends = |v: &Value| {
        let node = v["spec"]["nodeName"].as_str().and_then(|n| s.nodes.get(n));
        let kept = v["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
        !kept && due(v).is_some() && node.is_none_or(|n| n.kubelet.running.is_some())
    };
    let gone: Vec<Key> = s.api.unsettled_pods().filter(|(_, v)| ends(v)).map(|(k, _)| k.clone()).collect();
    for key in gone {
        s.api.delete(&key);
    }
}

/// Pending pods get a node where one takes them, and run two ticks later.
fn start_pods(s: &mut State, world: &World, now: jiff::Timestamp) {
    let pending: Vec<Key> = s
        .api
        .unsettled_pods()
        .filter(|(_, v)| {
            v["status"]["phase"] == "Pending"
                && v["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null()
        })
        .map(|(k, _)| k.clone())
        .collect();
    let (mut load, mut of_gangs) = (None, vec![]);
    for key in pending {
        let Some(pod) = s.api.get(&key).cloned() else { continue };
        match pod["spec"]["nodeName"].as_str() {
            Some(node) => {
                let ip = world.shape.address(node);
                let answer = once::ends(&pod).then(|| once::answer(s));
                s.api.change(&key, |v| {
                    pods::start(v, &ip, now);
                    if let Some(answer) = answer {
                        once::finish(v, answer, now);
                    }
                });
            }
            None if !claims::are_bound(s, &pod) => {}
            None if gangs::of(&pod).is_some() => of_gangs.push(key),
            None => {
                let load = load.get_or_insert_with(|| Load::of(s));
                if let Some(node) = load.place(s, &pod) {
                    s.api.change(&key, |v| v["spec"]["nodeName"] = json!(node));
                }
            }
        }
    }
    if !of_gangs.is_empty() {
        let mut load = load.unwrap_or_else(|| Load::of(s));
        gangs::place(s, &mut load, of_gangs);
    }
}

/// Every ReplicaSet has as many pods as it wants, counting those that are not ending.
fn replace_pods(s: &mut State, world: &World, now: jiff::Timestamp) {
    for (key, set) in owners::changed(s, "replicasets") {
        let alive = owners::alive(s, &set).count();
        for _ in alive..set["spec"]["replicas"].as_u64().unwrap_or(0) as usize {
            let name = format!("{}-{}", key.name, names::suffix(&format!("{}{}", key.name, s.serial()), 5));
            let pod = pods::pod(&set, "ReplicaSet", &name, "", &world.shape, now);
            s.api.put(Key::pod(&key.namespace, &name), pod);
        }
    }
}

/// Whether the node of a pod has this image, or can pull it; then it has it.
fn has_image(s: &mut State, world: &World, pod: &Value, image: &str) -> bool {
    let Some(node) = pod["spec"]["nodeName"].as_str().filter(|n| s.nodes.contains_key(*n)) else {
        return true;
    };
    let there =
        s.node(node).images.contains_key(image) || s.pull_refused(&world.shape.newest, image).is_none();
    if there {
        s.node_mut(node).add_image(image);
    }
    there
}

/// Pods whose image was missing run as soon as it is there.
fn pull_again(s: &mut State, world: &World, now: jiff::Timestamp) {
    let waiting = s.api.unsettled_pods().filter(|(_, v)| pods::waits_for_image(v));
    let waiting: Vec<(Key, Value)> = waiting.map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, pod) in waiting {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        if has_image(s, world, &pod, image) {
            let ip = pod["status"]["hostIP"].as_str().unwrap_or_default().to_string();
            s.api.change(&key, |v| pods::start(v, &ip, now));
        }
    }
}

/// Of a DaemonSet's pods one of so many is replaced in a tick, one at least.
const ROLLED: usize = 50;

/// DaemonSet pods take their template's image; a restart makes them anew.
fn roll(s: &mut State, world: &World, now: jiff::Timestamp) {
    let restarted = |set: &Value| {
        let old = owners::alive(s, set).filter(|(_, v)| !owners::is_restarted(v, set));
        let count = owners::pods(s, set).count().div_ceil(ROLLED);
        old.take(count).map(|(k, _)| k.clone()).collect::<Vec<_>>()
    };
    let gone: Vec<Key> =
        owners::changed(s, "daemonsets").iter().flat_map(|(_, set)| restarted(set)).collect();
    gone.iter().for_each(|key| drop(crate::api::evict::terminate(s, key, None, now)));
    let old = |set: &Value| {
        let want = set["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        let all: Vec<(&Key, &Value)> = owners::pods(s, set).collect();
        let at_once = all.len().div_ceil(ROLLED);
        let found = all.into_iter().filter(|(_, v)| v["spec"]["containers"][0]["image"] != want);
        let found: Vec<(Key, Value)> = found.take(at_once).map(|(k, v)| (k.clone(), v.clone())).collect();
        (want, found)
    };
    let old: Vec<(Value, Vec<(Key, Value)>)> =
        owners::changed(s, "daemonsets").iter().map(|(_, set)| old(set)).collect();
    for (want, pods) in old {
        pods.iter().for_each(|(key, pod)| take_image(s, world, key, pod, &want));
    }
}

fn take_image(s: &mut State, world: &World, key: &Key, pod: &Value, want: &Value) {
    let image = want.as_str().unwrap_or_default();
    let there = has_image(s, world, pod, image);
    s.api.change(key, |v| {
        v["spec"]["containers"][0]["image"] = want.clone();
        v["status"]["containerStatuses"][0]["image"] = want.clone();
        if !there {
            pods::without_image(v, image);
        }
    });
}
