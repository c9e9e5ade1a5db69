//! podlift's drain beside the one of the real `kubectl`, over the same pods: what each refuses, leaves and evicts is the same but for what
//! docs/drain.md lists.

use super::run::{Kubectl, Ran, shape};
use super::table;
use super::zoo::{self, ANSWERS, Animal, Answer, KINDS, Kind, NAMESPACE, STATES};
use futures_util::future::join_all;
use podlift_coordinator::Cluster as _;
use podlift_coordinator::cluster::{KubeCluster, Prober};
use podlift_engine::doors::{ApiProbe, DrainOptions, EvictionView};
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_lab::objects::Key;
use podlift_lab::{Shape, What, World};
use podlift_model::{Epoch, InstanceId, NodeName, RunId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub const FLAGS: &str = "--ignore-daemonsets --delete-emptydir-data";
/// Longer than a kubectl needs for the requests of one node, and one pause of five seconds between two attempts.
pub const LIMIT: u32 = 12;

/// No probe is asked for.
pub struct NoProber;

#[async_trait::async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: true, why: String::new() }
    }
}

/// What a drain makes of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It is never tried.
    Left,
    Evicted,
    /// It is tried and not evicted.
    Kept,
}

/// Why podlift is meant to decide otherwise: the row of docs/drain.md that says so.
fn intended(animal: &Animal) -> Option<&'static str> {
    match (animal.kind, animal.answer) {
        (Kind::Returning, _) => Some(table::difference("tolerates the cordon and comes back")),
        (_, Answer::WebhookOnce) => Some(table::difference("fails once for a reason that may pass")),
        _ => None,
    }
}

/// What docs/drain.md says of the kind of pod: of kubectl and of podlift, both with `--force`.
fn documented(kind: Kind) -> (Did, Did) {
    let of = match kind {
        Kind::DaemonSet => "of a DaemonSet that exists",
        Kind::Orphan => "of a DaemonSet that is gone",
        Kind::Mirror => "static",
        Kind::Bare => "without a controller",
        Kind::ReplicaSet | Kind::Custom => "any other controller",
        Kind::Scratch => "with an emptyDir",
        Kind::FinishedBare | Kind::FinishedOfDaemonSet => "that has ended",
        Kind::Terminating => "that terminates already",
        Kind::Returning => "comes back to the cordoned node",
    };
    let (kubectl, podlift) = table::kind(of);
    let did = |cell: &str| if cell.starts_with("left") { Did::Left } else { Did::Evicted };
    let theirs = did(kubectl);
    (theirs, if podlift.starts_with("the same") { theirs } else { did(podlift) })
}

/// What decides is known: another kubectl has other filters.
pub async fn is_of_1_32(k: &Kubectl) {
    let said = k.run("version --client -o json").await;
    let version: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
    let git = version["clientVersion"]["gitVersion"].as_str().unwrap_or_default();
    assert!(
        git.starts_with("v1.32."),
        "these tests need kubectl 1.32, and this one is {git:?}; name another with KUBECTL=PATH"
    );
}

fn shape_of_zoo() -> Shape {
    Shape { inference: (0, 0), workers: zoo::nodes(), ..shape() }
}

async fn cordoned(world: &Arc<World>) {
    world.update(|s| {
        for node in zoo::nodes() {
            s.api.change(&Key::node(&node), |v| v["spec"]["unschedulable"] = json!(true));
        }
    });
    let tainted = |v: &serde_json::Value| v["spec"]["taints"][0]["timeAdded"].is_string();
    let all = zoo::nodes();
    world.until(|s| all.iter().all(|n| s.api.get(&Key::node(n)).is_some_and(tainted))).await;
    // Times of objects are whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

fn podlift(world: &Arc<World>) -> KubeCluster {
    KubeCluster::new(world.kube_client(), Arc::new(NoProber), Duration::from_secs(10))
}

/// What podlift would evict, and what it refuses, of all nodes.
pub async fn look(cluster: &KubeCluster, force: bool) -> EvictionView {
    let mut all = EvictionView::default();
    for node in zoo::nodes() {
        let options = DrainOptions { force, ..DrainOptions::default() };
        let look = ClusterLook::PodsToEvict { node: NodeName::new(node).unwrap(), options };
        let ClusterReply::Pods(view) = cluster.look(&look).await.unwrap() else { panic!("another reply") };
        all.evict.extend(view.evict);
        all.refused.extend(view.refused);
    }
    all
}

/// Drains all nodes side by side; what each drain ended with.
pub async fn drained_by_podlift(cluster: &KubeCluster) -> Vec<String> {
    let epoch = Epoch { number: 5, instance: InstanceId::new("one").unwrap() };
    let epoch = &epoch;
    let one = |node: String| async move {
        let options = DrainOptions { force: true, ..DrainOptions::default() };
        let (node, run) = (NodeName::new(node).unwrap(), RunId::new("r1").unwrap());
        let act = ClusterAct::Drain { node, run, seconds: LIMIT, options };
        match cluster.act(&act, epoch).await {
            Ok(line) => line,
            Err(failure) => format!("{} {}", failure.message, failure.detail),
        }
    };
    join_all(zoo::nodes().into_iter().map(one)).await
}

/// A kubectl for each node, side by side.
pub async fn drained_by_kubectl(k: &Kubectl, flags: &str) -> Vec<Ran> {
    let one = |node: String| {
        let line = format!("drain {node} {FLAGS} {flags}");
        async move { k.run(&line).await }
    };
    join_all(zoo::nodes().into_iter().map(one)).await
}

/// Names of the zoo's pods in a text.
pub fn named(text: &str) -> BTreeSet<String> {
    let prefix = format!("{NAMESPACE}/");
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/')));
    words.filter_map(|w| w.strip_prefix(&prefix)).map(String::from).collect()
}

fn did(world: &World, tried: &BTreeSet<String>, animal: &Animal) -> Did {
    let pod = format!("{NAMESPACE}/{}", animal.name);
    let mine = |what: &What| matches!(what, What::Eviction { pod: name } if *name == pod);
    let tried_it = tried.contains(&animal.name);
    match (tried_it, world.effects().iter().any(|e| mine(&e.what))) {
        (_, true) => Did::Evicted,
        // The API accepts the eviction of a pod that is being deleted, and nothing changes by it.
        (true, false) if animal.kind == Kind::Terminating && animal.answer == Answer::Created => Did::Evicted,
        (true, false) => Did::Kept,
        (false, false) => Did::Left,
    }
}

/// Two worlds with the same zoo on a cordoned node.
async fn both(animals: &[Animal]) -> (Kubectl, Kubectl) {
    let (ours, theirs) = (Kubectl::new(shape_of_zoo()).await, Kubectl::new(shape_of_zoo()).await);
    for k in [&ours, &theirs] {
        cordoned(&k.world).await;
        zoo::sow(&k.world, animals);
    }
    (ours, theirs)
}

#[test]
fn each_filter_meets_each_answer_three_times() {
    let all = zoo::all();
    assert!(all.len() >= 200, "{}", all.len());
    for (kind, answer) in KINDS.iter().flat_map(|k| ANSWERS.iter().map(move |a| (*k, *a))) {
        let count = all.iter().filter(|a| (a.kind, a.answer) == (kind, answer)).count();
        assert!(count >= 3, "{kind:?} {answer:?}: {count}");
    }
}

/// Without --force: the same pods prevent a drain.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_pods_are_refused() {
    let animals = zoo::all();
    let (ours, theirs) = both(&animals).await;
    is_of_1_32(&theirs).await;
    let ran = drained_by_kubectl(&theirs, "--dry-run=client").await;
    let said = |r: &Ran| r.err.split_once("cannot delete").map_or(String::new(), |(_, said)| said.into());
    let said: Vec<String> = ran.iter().filter(|r| r.code == 1).map(said).collect();
    let view = look(&podlift(&ours.world), false).await;
    let refused = named(&view.refused.join("\n"));
    let theirs = named(&said.join("\n"));
    let off: Vec<&String> = refused.symmetric_difference(&theirs).collect();
    assert!(
        off.is_empty(),
        "refused by one of the two: {off:?}\nkubectl: {said:?}\npodlift: {:?}",
        view.refused
    );
    assert!(refused.len() >= 48, "bare pods and orphans: {refused:?}");
}

/// With --force: what each tries, evicts and leaves.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_pods_are_evicted() {
    let animals = zoo::all();
    let (ours, theirs) = both(&animals).await;
    let tried_by_us: BTreeSet<String> = named(&look(&podlift(&ours.world), true).await.evict.join("\n"));
    let flags = format!("--force --timeout={LIMIT}s");
    let cluster = podlift(&ours.world);
    let (mine, ran) = tokio::join!(drained_by_podlift(&cluster), drained_by_kubectl(&theirs, &flags));
    let said: Vec<String> = ran.iter().map(|r| format!("{}{}", r.out, r.err)).collect();
    let said = said.join("\n");
    let lines = said.lines().filter(|l| l.starts_with("evicting pod "));
    let tried_by_kubectl = named(&lines.collect::<Vec<_>>().join("\n"));
    is_of_1_32(&theirs).await;
    let seen = animals.iter().map(|animal| {
        let is = did(&ours.world, &tried_by_us, animal);
        (animal, is, did(&theirs.world, &tried_by_kubectl, animal))
    });
    judge(&seen.collect::<Vec<_>>(), &format!("kubectl: {said}\npodlift: {mine:?}"));
}

/// Pod by pod: what podlift did, and what kubectl did.
pub fn judge(seen: &[(&Animal, Did, Did)], said: &str) {
    assert!(seen.len() >= 200, "only {} pods", seen.len());
    let (mut differences, mut counts) = (vec![], BTreeMap::<(&str, Kind), usize>::new());
    for (animal, is, wants) in seen {
        match intended(animal) {
            _ if is == wants => {}
            Some(reason) => *counts.entry((reason, animal.kind)).or_default() += 1,
            None => differences.push(format!("{}: podlift {is:?}, kubectl {wants:?}", animal.name)),
        }
        let (theirs, ours) = documented(animal.kind);
        if animal.answer == Answer::Created && (*is, *wants) != (ours, theirs) {
            differences.push(format!(
                "{}: podlift {is:?}, kubectl {wants:?}; docs/drain.md has {ours:?} and {theirs:?}",
                animal.name
            ));
        }
    }
    println!("{} pods: the same decision but for {counts:?}", seen.len());
    assert!(differences.is_empty(), "{}\n{said}", differences.join("\n"));
    let reasons: BTreeSet<&str> = counts.keys().map(|(reason, _)| *reason).collect();
    let of_all: BTreeSet<&str> = seen.iter().filter_map(|(animal, ..)| intended(animal)).collect();
    assert_eq!(reasons, of_all, "an intended difference that is none");
    assert!(counts.values().all(|n| *n >= STATES.len()), "a kind differs in some states only: {counts:?}");
}
