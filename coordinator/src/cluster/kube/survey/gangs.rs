//! What schedulers of gangs declare about them: PodGroups of KAI and Run:ai, of Volcano and of the coscheduling plugin, and Workloads of
//! Kueue. A cluster has one of them, or none. An API that is not served, or that podlift may not list, declares nothing: its gangs are then
//! taken to need all their pods.

use super::super::api::{Api, ApiError};
use super::meta::Meta;
use crate::cluster::kube::pages::or_default;
use futures_util::future::join_all;
use podlift_engine::survey::GangView;
use podlift_model::Failure;
use serde::Deserialize;

/// A list of objects, and the kinds to which the marks of their pods lead.
struct Source {
    path: &'static str,
    kinds: &'static [&'static str],
}

const SOURCES: &[Source] = &[
    // KAI-scheduler, pkg/apis/scheduling/v2alpha2: `spec.minMember`.
    Source { path: "/apis/scheduling.run.ai/v2alpha2/podgroups", kinds: &["PodGroup"] },
    // volcano.sh/apis, scheduling/v1beta1: `spec.minMember`.
    Source { path: "/apis/scheduling.volcano.sh/v1beta1/podgroups", kinds: &["PodGroup"] },
    // scheduler-plugins, apis/scheduling/v1alpha1: `spec.minMember`.
    Source { path: "/apis/scheduling.x-k8s.io/v1alpha1/podgroups", kinds: &["PodGroup"] },
    // Kueue, apis/kueue/v1beta1: `spec.podSets[].count` and `minCount`, of a partial admission. A group of plain pods has the name of its
    // Workload.
    Source { path: "/apis/kueue.x-k8s.io/v1beta1/workloads", kinds: &["Workload", "PodGroup"] },
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    min_member: Option<u32>,
    #[serde(deserialize_with = "or_default")]
    pod_sets: Vec<PodSet>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodSet {
    /// The API sets 1 where the object has none.
    count: Option<u32>,
    min_count: Option<u32>,
}

impl Spec {
    /// The sum over the sets of a Workload; `None` for another object.
    fn sum(&self, of: impl Fn(&PodSet) -> u32) -> Option<u32> {
        let sum = || self.pod_sets.iter().map(of).fold(0, u32::saturating_add);
        (!self.pod_sets.is_empty()).then(sum)
    }
}

impl PodSet {
    fn count(&self) -> u32 {
        self.count.unwrap_or(1)
    }

    fn least(&self) -> u32 {
        self.min_count.unwrap_or(self.count())
    }
}

/// All of them, by id. Fails if an API that is served did not answer.
pub(in crate::cluster::kube) async fn read(api: &Api) -> Result<Vec<GangView>, Failure> {
    let lists = join_all(SOURCES.iter().map(|source| list(api, source))).await;
    let mut gangs: Vec<GangView> =
        lists.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    gangs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(gangs)
}

async fn list(api: &Api, source: &Source) -> Result<Vec<GangView>, ApiError> {
    let mut gangs = Vec::new();
    let take = |object: Raw| gangs.extend(source.kinds.iter().map(|kind| view(kind, &object)));
    let read = api.each(source.path, &[], take).await;
    match read {
        Ok(()) => Ok(gangs),
        Err(ApiError::Status(status)) if matches!(status.code, 403..=405) => Ok(vec![]),
        Err(error) => Err(error),
    }
}

fn view(kind: &str, object: &Raw) -> GangView {
    let (meta, spec) = (&object.metadata, &object.spec);
    GangView {
        id: format!("{}/{kind}/{}", meta.namespace, meta.name),
        min_member: spec.min_member.filter(|least| *least > 0).or_else(|| spec.sum(PodSet::least)),
        pods: spec.sum(PodSet::count),
    }
}
