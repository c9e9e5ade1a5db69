//! Pods, reduced to the fields that a drain and the choice of a batch need. A real Pod is ten kilobytes, and a large cluster has tens of
//! thousands.

use super::cache::Kept;
use super::survey::{MIRROR, RawPod, covers_cordon, forbidden, pod_view};
use jiff::Timestamp;
use podlift_engine::survey::PodView;
use podlift_model::ids::InvalidId;
use podlift_model::{Failure, PodRef, codes};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "RawPod")]
pub(super) struct Pod {
    pub namespace: String,
    pub pod: String,
    pub uid: String,
    /// resourceVersion.
    pub version: String,
    /// Empty if no node runs it yet.
    pub node: String,
    /// Its short annotations.
    annotations: Box<[(Box<str>, Box<str>)]>,
    pub created: Option<Timestamp>,
    /// The pod is being deleted; the time at which its grace period ends.
    pub deleting: Option<Timestamp>,
    /// Grace period of that deletion, seconds.
    pub grace: i64,
    pub finalizers: Vec<String>,
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
    /// What the choice of a batch reads of it. The mark by which its owner forbids its interruption depends on the site's policy and is
    /// missing here.
    view: PodView,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Controller {
    pub kind: String,
    pub name: String,
}

impl Pod {
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.pod)
    }

    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.view.labels
    }

    /// Its owner wants that it saves its work before it is evicted.
    pub fn wants_checkpoint(&self) -> bool {
        self.view.checkpoint.is_some() || self.view.checkpoint_fault.is_some()
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
        let label = |key: &str, value: &str| self.view.labels.get(key).is_some_and(|own| own == value);
        let annotation =
            |key: &str, value: &str| self.annotations.iter().any(|(k, v)| **k == *key && **v == *value);
        forbidden(|key, value| label(key, value) || annotation(key, value), never)
    }

    /// The view with the first of the marks `never`, `key=value`, that the pod has.
    pub fn work(&self, never: &[String]) -> PodView {
        PodView { never_interrupt: self.never(never), ..self.view.clone() }
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
    fn group(&self) -> &str {
        &self.node
    }
    fn version(&self) -> &str {
        &self.version
    }
}

impl From<RawPod> for Pod {
    fn from(raw: RawPod) -> Self {
        let meta = &raw.metadata;
        let controller = meta.owner_references.iter().find(|r| r.controller);
        let pod = Self {
            namespace: meta.namespace.clone(),
            pod: meta.name.clone(),
            uid: meta.uid.clone(),
            version: meta.resource_version.clone(),
            node: raw.spec.node_name.clone().unwrap_or_default(),
            annotations: marks(meta.annotations.iter().flatten()),
            created: meta.creation_timestamp,
            deleting: meta.deletion_timestamp,
            grace: meta.deletion_grace_period_seconds.unwrap_or_default(),
            finalizers: meta.finalizers.clone(),
            controller: controller.map(|r| Controller { kind: r.kind.clone(), name: r.name.clone() }),
            ready: raw.is_ready(),
            finished: raw.is_finished(),
            mirror: meta.annotation(MIRROR).is_some(),
            data: raw.spec.volumes.iter().any(|v| v.empty_dir.is_some()),
            tolerates_cordon: raw.spec.tolerations.iter().any(covers_cordon),
            view: PodView::default(),
        };
        Self { view: slim(pod_view(raw, &[])), ..pod }
    }
}

/// Annotations that may be a mark of the pod's owner: not those that hold documents.
fn marks<'a>(all: impl Iterator<Item = (&'a String, &'a String)>) -> Box<[(Box<str>, Box<str>)]> {
    const LONGEST: usize = 256;
    let short = all.filter(|(_, value)| value.len() <= LONGEST);
    short.map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect()
}

/// The view without what the choice of a batch does not read: tens of thousands are in memory.
fn slim(view: PodView) -> PodView {
    PodView {
        phase: String::new(),
        waiting: None,
        last_exit: None,
        empty_dirs: vec![],
        requests: BTreeMap::new(),
        wish: None,
        finalizers: vec![],
        ..view
    }
}
