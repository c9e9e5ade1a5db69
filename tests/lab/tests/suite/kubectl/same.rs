//! podlift's drain beside the one of the real `kubectl`, over the same pods: what each refuses, leaves and evicts is the same but for what
//! docs/drain.md lists.

use super::run::{Kubectl, Ran, shape};
use super::zoo::{self, ANSWERS, Animal, Answer, KINDS, Kind, NAMESPACE};
use futures_util::future::join_all;
use podlift_coordinator::Cluster as _;
use podlift_coordinator::cluster::{KubeCluster, Prober};
use podlift_engine::doors::{ApiProbe, DrainOptions, EvictionView};
use podlift_engine::{ClusterAct, ClusterLook, ClusterReply};
use podlift_lab::objects::Key;
use podlift_lab::{Shape, What, World};
use podlift_model::{Epoch, InstanceId, NodeName, RunId};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const FLAGS: &str = "--ignore-daemonsets --delete-emptydir-data";
/// Longer than a kubectl needs for the requests of one node, and one pause of five seconds between two attempts.
const LIMIT: u32 = 12;

/// No probe is asked for.
struct NoProber;

#[async_trait::async_trait]
impl Prober for NoProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        ApiProbe { endpoint: endpoint.into(), ok: true, why: String::new() }
    }
}

/// What a drain makes of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Did {
    /// It is never tried.
    Left,
    Evicted,
    /// It is tried and not evicted.
    Kept,
}

/// Why podlift is meant to decide otherwise: a row of docs/drain.md.
fn intended(animal: &Animal) -> Option<&'static str> {
    match (animal.kind, animal.answer) {
        (Kind::Returning, _) => Some("tolerates the cordon and comes back"),
        (_, Answer::WebhookOnce) => Some("fails once for a reason that may pass"),
        _ => None,
    }
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
async fn look(world: &Arc<World>, force: bool) -> EvictionView {
    let mut all = EvictionView::default();
    for node in zoo::nodes() {
        let options = DrainOptions { force, ..DrainOptions::default() };
        let look = ClusterLook::PodsToEvict { node: NodeName::new(node).unwrap(), options };
        let ClusterReply::Pods(view) = podlift(world).look(&look).await.unwrap() else {
            panic!("another reply")
        };
        all.evict.extend(view.evict);
        all.refused.extend(view.refused);
    }
    all
}

/// Drains all nodes side by side; what each drain ended with.
async fn drained_by_podlift(world: &Arc<World>) -> Vec<String> {
    let cluster = podlift(world);
    let epoch = Epoch { number: 5, instance: InstanceId::new("one").unwrap() };
    let (cluster, epoch) = (&cluster, &epoch);
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
async fn drained_by_kubectl(k: &Kubectl, flags: &str) -> Vec<Ran> {
    let one = |node: String| {
        let line = format!("drain {node} {FLAGS} {flags}");
        async move { k.run(&line).await }
    };
    join_all(zoo::nodes().into_iter().map(one)).await
}

/// Names of the zoo's pods in a text.
fn named(text: &str) -> BTreeSet<String> {
    let prefix = format!("{NAMESPACE}/");
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/')));
    words.filter_map(|w| w.strip_prefix(&prefix)).map(String::from).collect()
}

fn did(world: &World, tried: &BTreeSet<String>, animal: &Animal) -> Did {
    let pod = format!("{NAMESPACE}/{}", animal.name);
    let mine = |what: &What| matches!(what, What::Eviction { pod: name } if *name == pod);
    match (tried.contains(&animal.name), world.effects().iter().any(|e| mine(&e.what))) {
        (_, true) => Did::Evicted,
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
    let ran = drained_by_kubectl(&theirs, "--dry-run=client").await;
    let said = |r: &Ran| r.err.split_once("cannot delete").map_or(String::new(), |(_, said)| said.into());
    let said: Vec<String> = ran.iter().filter(|r| r.code == 1).map(said).collect();
    let view = look(&ours.world, false).await;
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
    let tried_by_us: BTreeSet<String> = named(&look(&ours.world, true).await.evict.join("\n"));
    let flags = format!("--force --timeout={LIMIT}s");
    let (mine, ran) = tokio::join!(drained_by_podlift(&ours.world), drained_by_kubectl(&theirs, &flags));
    let said: Vec<String> = ran.iter().map(|r| format!("{}{}", r.out, r.err)).collect();
    let said = said.join("\n");
    let lines = said.lines().filter(|l| l.starts_with("evicting pod "));
    let tried_by_kubectl = named(&lines.collect::<Vec<_>>().join("\n"));
    let (mut differences, mut reasons) = (vec![], BTreeSet::new());
    for animal in &animals {
        let is = did(&ours.world, &tried_by_us, animal);
        let wants = did(&theirs.world, &tried_by_kubectl, animal);
        match intended(animal) {
            _ if is == wants => {}
            Some(reason) => {
                reasons.insert(reason);
            }
            None => differences.push(format!("{}: podlift {is:?}, kubectl {wants:?}", animal.name)),
        }
    }
    println!("{} pods: the same decision but for {reasons:?}", animals.len());
    assert!(differences.is_empty(), "{}\nkubectl: {said}\npodlift: {mine:?}", differences.join("\n"));
    let page = include_str!("../../../../../docs/drain.md");
    let of_all: BTreeSet<&str> = animals.iter().filter_map(intended).collect();
    assert_eq!(reasons, of_all, "an intended difference that is none");
    assert!(of_all.iter().all(|reason| page.contains(reason)), "docs/drain.md lacks one of {of_all:?}");
}
