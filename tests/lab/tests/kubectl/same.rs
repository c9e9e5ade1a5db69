//! podlift's drain beside the one of the real `kubectl`, over the same pods: what each refuses, leaves and evicts is the same but for what
//! docs/drain.md lists.

use crate::run::{Kubectl, shape};
use crate::zoo::{self, ANSWERS, Animal, Answer, KINDS, Kind, NAMESPACE, NODE};
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

const DRAIN: &str = "drain dgx030 --ignore-daemonsets --delete-emptydir-data";
/// Longer than one pause of five seconds between two attempts.
const LIMIT: u32 = 9;

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
    Shape { inference: (0, 0), ..shape() }
}

async fn cordoned(world: &Arc<World>) {
    world.update(|s| s.api.change(&Key::node(NODE), |v| v["spec"]["unschedulable"] = json!(true)));
    let tainted = |v: &serde_json::Value| v["spec"]["taints"][0]["timeAdded"].is_string();
    world.until(|s| s.api.get(&Key::node(NODE)).is_some_and(tainted)).await;
    // Times of objects are whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

fn podlift(world: &Arc<World>) -> KubeCluster {
    KubeCluster::new(world.kube_client(), Arc::new(NoProber), Duration::from_secs(10))
}

fn node() -> NodeName {
    NodeName::new(NODE).unwrap()
}

async fn look(world: &Arc<World>, force: bool) -> EvictionView {
    let options = DrainOptions { force, ..DrainOptions::default() };
    let look = ClusterLook::PodsToEvict { node: node(), options };
    let ClusterReply::Pods(view) = podlift(world).look(&look).await.unwrap() else { panic!("another reply") };
    view
}

async fn drained_by_podlift(world: &Arc<World>) -> Result<String, String> {
    let options = DrainOptions { force: true, ..DrainOptions::default() };
    let act = ClusterAct::Drain { node: node(), run: RunId::new("r1").unwrap(), seconds: LIMIT, options };
    let epoch = Epoch { number: 5, instance: InstanceId::new("one").unwrap() };
    podlift(world).act(&act, &epoch).await.map_err(|f| format!("{} {}", f.message, f.detail))
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
    let ran = theirs.run(&format!("{DRAIN} --dry-run=client")).await;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let said = ran.err.split_once("cannot delete").map_or("", |(_, said)| said);
    let view = look(&ours.world, false).await;
    let refused = named(&view.refused.join("\n"));
    let different = |name: &String| {
        let animal = animals.iter().find(|a| a.name == *name);
        animal.is_none_or(|a| intended(a).is_none())
    };
    let off: Vec<String> =
        refused.symmetric_difference(&named(said)).filter(|n| different(n)).cloned().collect();
    assert!(
        off.is_empty(),
        "refused by one of the two: {off:?}\nkubectl: {}\npodlift: {:?}",
        ran.err,
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
    let line = format!("{DRAIN} --force --timeout={LIMIT}s");
    let (mine, ran) = tokio::join!(drained_by_podlift(&ours.world), theirs.run(&line));
    let lines = ran.out.lines().chain(ran.err.lines()).filter(|l| l.starts_with("evicting pod "));
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
    assert!(differences.is_empty(), "{}\nkubectl: {}\npodlift: {mine:?}", differences.join("\n"), ran.err);
    let page = include_str!("../../../../docs/drain.md");
    let of_all: BTreeSet<&str> = animals.iter().filter_map(intended).collect();
    assert_eq!(reasons, of_all, "an intended difference that is none");
    assert!(of_all.iter().all(|reason| page.contains(reason)), "docs/drain.md lacks one of {of_all:?}");
}
