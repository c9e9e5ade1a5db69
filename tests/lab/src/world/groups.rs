//! The objects in which gang schedulers keep how many pods of a job have to run together. The API serves a kind of them only where its
//! definition is installed, as on a site without that scheduler.

use super::site::{self, Custom};
use super::{World, cast};
use crate::objects::Key;
use serde_json::{Value, json};

/// Whose objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// KAI and Run:ai.
    RunAi,
    Volcano,
    Coscheduling,
    Kueue,
}

impl Scheduler {
    fn kind(self) -> Custom {
        let of = |group, version, plural, kind| Custom { group, version, plural, kind, namespaced: true };
        match self {
            Self::RunAi => of("scheduling.run.ai", "v2alpha2", "podgroups", "PodGroup"),
            Self::Volcano => of("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"),
            Self::Coscheduling => of("scheduling.x-k8s.io", "v1alpha1", "podgroups", "PodGroup"),
            Self::Kueue => of("kueue.x-k8s.io", "v1beta1", "workloads", "Workload"),
        }
    }

    /// `min` of `count` pods have to run together. Kueue's pod sets have a `minCount` only where it is less than the count.
    fn spec(self, min: u32, count: u32) -> Value {
        match self {
            Self::RunAi | Self::Volcano => json!({"minMember": min, "queue": "default"}),
            Self::Coscheduling => json!({"minMember": min, "scheduleTimeoutSeconds": 600}),
            Self::Kueue if min == count => {
                json!({"podSets": [{"name": "main", "count": count}], "queueName": "default"})
            }
            Self::Kueue => {
                json!({"podSets": [{"name": "main", "count": count, "minCount": min}], "queueName": "default"})
            }
        }
    }
}

impl World {
    /// Installs the kind's definition, and puts one object of it.
    pub fn pod_group(&self, scheduler: Scheduler, namespace: &str, name: &str, min: u32, count: u32) {
        let (kind, now) = (scheduler.kind(), self.clock.now());
        let version = format!("{}/{}", kind.group, kind.version);
        let mut v = cast::object(&version, kind.kind, namespace, name, json!({}), now);
        v["metadata"]["generation"] = json!(1);
        v["spec"] = scheduler.spec(min, count);
        self.update(|s| {
            site::definition(&mut s.api, &kind, now);
            site::object(&mut s.api, kind.group, kind.plural, v);
        });
    }

    /// The object goes; the definition stays.
    pub fn forget_pod_group(&self, scheduler: Scheduler, namespace: &str, name: &str) {
        let kind = scheduler.kind();
        self.update(|s| s.api.delete(&Key::new(kind.group, kind.plural, namespace, name)));
    }
}
