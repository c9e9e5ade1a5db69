//! Pods, reduced to the fields that a drain and the choice of a batch need. A real Pod is ten kilobytes, and a large cluster has tens of
//! thousands, so texts that many pods have are shared, and what one use needs in another form is made for that use.

use super::cache::{Kept, number};
use super::survey::{MIRROR, RawPod, covers_cordon, forbidden, pod_view};
use super::texts::shared;
use jiff::Timestamp;
use podlift_engine::survey::PodView;
use podlift_model::checkpoint::Checkpoint;
use podlift_model::ids::InvalidId;
use podlift_model::{Failure, NodeName, PodRef, codes};
use serde::Deserialize;
use std::sync::Arc;

/// Keys and values, by key.
type Texts = Box<[(Arc<str>, Arc<str>)]>;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawPod")]
pub(super) struct Pod {
    pub namespace: Arc<str>,
    pub pod: Box<str>,
    pub uid: Box<str>,
    /// resourceVersion; 0 if it is no number.
    pub version: u64,
    /// Empty if no node runs it yet.
    pub node: Arc<str>,
    labels: Texts,
    /// Its short annotations.
    annotations: Texts,
    pub created: Option<Timestamp>,
    /// The pod is being deleted; the time at which its grace period ends.
    pub deleting: Option<Timestamp>,
    /// Grace period of that deletion, seconds.
    pub grace: i64,
    pub finalizers: Box<[Arc<str>]>,
    pub controller: Option<Controller>,
    /// Succeeded or failed.
    pub finished: bool,
    /// Its condition Ready holds.
    pub ready: bool,
    /// A static pod's copy in the API.
    pub mirror: bool,
    /// It has an emptyDir.
    pub data: bool,
    /// It may be placed on a cordoned node.
    pub tolerates_cordon: bool,
    job: Job,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Controller {
    pub kind: Arc<str>,
    pub name: Arc<str>,
}

/// What the choice of a batch reads besides. The mark by which its owner forbids its interruption depends on the site's policy and is missing
/// here.
#[derive(Debug, Clone, PartialEq)]
struct Job {
    restarts: u32,
    gpus: u32,
    gpu_by: Option<Arc<str>>,
    gang: Option<Arc<str>>,
    started: Option<Timestamp>,
    priority: Option<Arc<str>>,
    checkpoint: Option<Box<Checkpoint>>,
    checkpoint_fault: Option<Box<str>>,
    interactive: bool,
}

impl Pod {
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod)
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        get(&self.labels, key)
    }

    /// Its owner wants that it saves its work before it is evicted.
    pub fn wants_checkpoint(&self) -> bool {
        self.job.checkpoint.is_some() || self.job.checkpoint_fault.is_some()
    }

    /// A person works in it.
    pub fn is_interactive(&self) -> bool {
        self.job.interactive
    }

    /// The reference by which the node's agent knows it.
    pub fn reference(&self) -> Result<PodRef, Failure> {
        let bad = |e: InvalidId| Failure::permanent(codes::ODD_REPLY, format!("pod {}: {e}", self.name()));
        Ok(PodRef {
            namespace: self.namespace.parse().map_err(bad)?,
            name: self.pod.parse().map_err(bad)?,
            uid: self.uid.parse().map_err(bad)?,
        })
    }

    /// The first of these marks, `key=value`, that the pod has.
    pub fn never(&self, never: &[String]) -> Option<String> {
        let has = |texts: &Texts, key: &str, value: &str| get(texts, key).is_some_and(|own| own == value);
        forbidden(|key, value| has(&self.labels, key, value) || has(&self.annotations, key, value), never)
    }

    /// What the choice of a batch reads of it, with the first of the marks `never`, `key=value`, that the pod has.
    pub fn work(&self, never: &[String]) -> PodView {
        let Job {
            restarts,
            gpus,
            gpu_by,
            gang,
            started,
            priority,
            checkpoint,
            checkpoint_fault,
            interactive,
        } = &self.job;
        let text = |text: &Option<Arc<str>>| text.as_ref().map(|text| text.to_string());
        let daemon_set = self.controller.as_ref().is_some_and(|c| *c.kind == *"DaemonSet");
        PodView {
            namespace: self.namespace.to_string(),
            name: self.pod.to_string(),
            node: NodeName::new(&*self.node).ok(),
            labels: self.labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            ready: self.ready,
            restarts: *restarts,
            owner: self.controller.as_ref().map(|c| format!("{}/{}", c.kind, c.name)),
            mirror: self.mirror,
            daemon_set,
            finished: self.finished,
            gpus: *gpus,
            gpu_by: text(gpu_by),
            gang: text(gang),
            started: *started,
            priority: text(priority),
            never_interrupt: self.never(never),
            checkpoint: checkpoint.as_deref().cloned(),
            checkpoint_fault: checkpoint_fault.as_ref().map(|fault| fault.to_string()),
            interactive: *interactive,
            terminating: self.deleted_since(),
            ..PodView::default()
        }
    }

    pub fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.pod)
    }

    /// When its deletion was requested; `None` if it is not being deleted.
    pub fn deleted_since(&self) -> Option<Timestamp> {
        Some(self.deleting? - jiff::SignedDuration::from_secs(self.grace.max(0)))
    }
}

impl Kept for Pod {
    const PATH: &'static str = "/api/v1/pods";
    const KIND: &'static str = "pods";
    fn key(&self) -> String {
        self.name()
    }
    fn group(&self) -> &Arc<str> {
        &self.node
    }
    fn version(&self) -> u64 {
        self.version
    }
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Self {
        let tolerates_cordon = raw.spec.tolerations.iter().any(covers_cordon);
        let data = raw.spec.volumes.iter().any(|v| v.empty_dir.is_some());
        let meta = &raw.metadata;
        let controller = meta.controller();
        let pod = Self {
            namespace: shared(&meta.namespace),
            pod: meta.name.as_str().into(),
            uid: meta.uid.as_str().into(),
            version: number(&meta.resource_version),
            node: shared(raw.spec.node_name.as_deref().unwrap_or_default()),
            labels: texts(meta.labels.iter().flatten()),
            annotations: texts(meta.annotations.iter().flatten().filter(|(_, value)| value.len() <= LONGEST)),
            created: meta.creation_timestamp,
            deleting: meta.deletion_timestamp,
            grace: meta.deletion_grace_period_seconds.unwrap_or_default(),
            finalizers: meta.finalizers.iter().map(|text| shared(text)).collect(),
            controller: controller.map(|r| Controller { kind: shared(&r.kind), name: shared(&r.name) }),
            ready: raw.is_ready(),
            finished: raw.is_finished(),
            mirror: meta.annotation(MIRROR).is_some(),
            data,
            tolerates_cordon,
            job: Job::from(PodView::default()),
        };
        Self { job: Job::from(pod_view(raw, &[])), ..pod }
    }
}

impl From<PodView> for Job {
    fn from(view: PodView) -> Self {
        let text = |text: Option<String>| text.map(|text| shared(&text));
        Self {
            restarts: view.restarts,
            gpus: view.gpus,
            gpu_by: text(view.gpu_by),
            gang: text(view.gang),
            started: view.started,
            priority: text(view.priority),
            checkpoint: view.checkpoint.map(Box::new),
            checkpoint_fault: view.checkpoint_fault.map(String::into_boxed_str),
            interactive: view.interactive,
        }
    }
}

/// Longest annotation that may be a mark of the pod's owner. Longer ones hold documents.
const LONGEST: usize = 128;
/// Annotations that differ from pod to pod, and that are no mark of its owner.
const OF_OTHERS: &[&str] =
    &["cni.projectcalico.org/", "kubernetes.io/config.", "k8s.v1.cni.cncf.io/", "checksum/"];

/// Sorted by key, as the API sends them.
fn texts<'a>(all: impl Iterator<Item = (&'a String, &'a String)>) -> Texts {
    let own = all.filter(|(key, _)| !OF_OTHERS.iter().any(|other| key.starts_with(other)));
    own.map(|(key, value)| (shared(key), shared(value))).collect()
}

fn get<'a>(texts: &'a Texts, key: &str) -> Option<&'a str> {
    texts.binary_search_by(|(own, _)| (**own).cmp(key)).ok().map(|at| &*texts[at].1)
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
