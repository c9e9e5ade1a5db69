//! Which pods of a node are evicted, left, or prevent the drain: kubectl 1.32's filters in its order (kubectl `pkg/drain/filters.go`).

use super::super::api::Api;
use super::super::pod::Pod;
use super::returning::{Cordoned, RETURNS};
use super::sets::Sets;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use podlift_engine::doors::DrainOptions;
use podlift_model::Failure;
use std::collections::{BTreeMap, BTreeSet};

/// Concurrent questions for DaemonSets.
const AT_ONCE: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub evict: Vec<Pod>,
    /// Refusals in the words of drain: `cannot delete MESSAGE: ns/a, ns/b`.
    pub refused: Vec<String>,
    /// Pods that stay, each with the reason, besides those of DaemonSets and static ones.
    pub left: Vec<String>,
    /// Pods that lose an emptyDir.
    data: Vec<String>,
    /// Pods that nothing creates again.
    forced: Vec<String>,
}

impl Sorted {
    /// What is lost with the pods, for people.
    pub fn note(&self) -> Vec<String> {
        let line =
            |what: &str, pods: &[String]| (!pods.is_empty()).then(|| format!("{what} {}", pods.join(", ")));
        let data = line("emptyDir data deleted of", &self.data);
        data.into_iter().chain(line("not created again:", &self.forced)).collect()
    }
}

/// What decides besides the pod.
pub(super) struct Rules<'a> {
    pub options: &'a DrainOptions,
    pub cordoned: &'a Cordoned,
    /// Controllers whose pods this drain has evicted already.
    pub evicted: &'a BTreeSet<String>,
    pub now: Timestamp,
}

enum Verdict {
    Evict,
    /// The pod is of a DaemonSet or static.
    Stays,
    /// The pod is left; the reason.
    Leave(String),
    Refuse(&'static str),
}

const NO_CONTROLLER: &str = "Pods that declare no controller (they would not be created again)";
const ORPHAN: &str = "Pods whose DaemonSet is gone";

pub(super) async fn sort(
    api: &Api,
    sets: &Sets,
    pods: Vec<Pod>,
    rules: &Rules<'_>,
) -> Result<Sorted, Failure> {
    let missing = missing_sets(api, sets, &pods).await?;
    let mut out = Sorted::default();
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pod in pods {
        match verdict(&pod, &missing, rules) {
            Verdict::Stays => {}
            Verdict::Leave(why) => out.left.push(format!("{} ({why})", pod.name())),
            Verdict::Refuse(why) => refused.entry(why).or_default().push(pod.name()),
            Verdict::Evict => {
                if pod.data && !pod.finished {
                    out.data.push(pod.name());
                }
                if unmanaged(&pod, &missing).is_some() {
                    out.forced.push(pod.name());
                }
                out.evict.push(pod);
            }
        }
    }
    let line = |(why, pods): (&&str, &Vec<String>)| format!("cannot delete {why}: {}", pods.join(", "));
    out.refused = refused.iter().map(line).collect();
    Ok(out)
}

fn verdict(pod: &Pod, missing: &BTreeSet<(String, String)>, rules: &Rules<'_>) -> Verdict {
    if let Some(why) = skipped(pod, rules) {
        return Verdict::Leave(why);
    }
    if !pod.finished && daemon_set(pod).is_some_and(|set| !missing.contains(&set)) {
        return Verdict::Stays;
    }
    if pod.mirror {
        return Verdict::Stays;
    }
    let again = || of(pod).filter(|controller| pod.tolerates_cordon && rules.evicted.contains(controller));
    if let Some(why) = rules.cordoned.returning(pod).or_else(|| again().map(|_| RETURNS)) {
        return Verdict::Leave(why.into());
    }
    match unmanaged(pod, missing).filter(|_| !rules.options.force) {
        Some(why) => Verdict::Refuse(why),
        None => Verdict::Evict,
    }
}

/// The pod's controller, as text.
pub(super) fn of(pod: &Pod) -> Option<String> {
    let controller = pod.controller.as_ref()?;
    Some(format!("{}/{}/{}", pod.namespace, controller.kind, controller.name))
}

/// Why nothing would create the pod again.
fn unmanaged(pod: &Pod, missing: &BTreeSet<(String, String)>) -> Option<&'static str> {
    if pod.finished {
        return None;
    }
    match daemon_set(pod) {
        Some(set) if missing.contains(&set) => Some(ORPHAN),
        _ => pod.controller.is_none().then_some(NO_CONTROLLER),
    }
}

/// Whether the pod has been terminating for longer than a person is willing to wait; the reason.
pub(super) fn skipped(pod: &Pod, rules: &Rules<'_>) -> Option<String> {
    let seconds = i64::from(rules.options.skip_wait_for_delete_seconds);
    let since = pod.deleting.filter(|_| seconds > 0)?;
    let over = rules.now.duration_since(since) > SignedDuration::from_secs(seconds);
    over.then(|| format!("terminating since {since}, for more than {seconds} s: not waited for"))
}

/// (namespace, name) of the DaemonSet that owns the pod. As in kubectl, the API group is ignored.
fn daemon_set(pod: &Pod) -> Option<(String, String)> {
    let owner = pod.controller.as_ref().filter(|o| *o.kind == *"DaemonSet")?;
    Some((pod.namespace.to_string(), owner.name.to_string()))
}

/// DaemonSets that pods name and that do not exist.
async fn missing_sets(api: &Api, sets: &Sets, pods: &[Pod]) -> Result<BTreeSet<(String, String)>, Failure> {
    let named: BTreeSet<(String, String)> =
        pods.iter().filter(|p| !p.finished).filter_map(daemon_set).collect();
    let asked = named.into_iter().map(|set| async move {
        let exists = sets.exists(api, set.clone()).await?;
        Ok::<_, Failure>((!exists).then_some(set))
    });
    let answers: Vec<_> = futures_util::stream::iter(asked).buffered(AT_ONCE).collect().await;
    answers.into_iter().filter_map(Result::transpose).collect()
}
