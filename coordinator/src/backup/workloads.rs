//! Workloads of the Run:ai namespaces: the built-in kinds, and all kinds that the groups of Run:ai and of training operators define there.

use super::lists::{self, ListWriter};
use super::{Collection, slim};
use podlift_backup::Kind;
use podlift_model::Failure;
use serde::Deserialize;

const BUILT_IN: [&str; 5] = [
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/batch/v1/jobs",
    "/apis/batch/v1/cronjobs",
];

/// Groups whose lists are read. deploy/kubernetes/rbac.yaml names the same groups.
pub(super) const GROUPS: [&str; 8] = [
    "run.ai",
    "engine.run.ai",
    "scheduling.run.ai",
    "kubeflow.org",
    "ray.io",
    "jobset.x-k8s.io",
    "leaderworkerset.x-k8s.io",
    "serving.knative.dev",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    group_version: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

pub(super) async fn collect(m: &Collection<'_>) -> Result<(), Failure> {
    let Some(mut member) = lists::member(&m.writer, Kind::Workloads)? else { return Ok(()) };
    for path in BUILT_IN {
        take(m, path, &mut member).await?;
    }
    for group in GROUPS {
        for path in discovered(m, group).await? {
            take(m, &path, &mut member).await?;
        }
    }
    m.report(&format!("{}: {}", Kind::Workloads, member.objects));
    member.end().await
}

async fn take(m: &Collection<'_>, path: &str, member: &mut ListWriter) -> Result<(), Failure> {
    let ours = |item: &str| {
        let namespace = slim::namespace(item);
        m.settings.runai_namespaces.iter().any(|p| p.matches(&namespace))
    };
    lists::copy(&m.world, path, member, ours).await.map(drop)
}

/// Paths of the lists that a group offers; empty if it is not installed.
async fn discovered(m: &Collection<'_>, group: &str) -> Result<Vec<String>, Failure> {
    let Some(text) = lists::object(&m.world, &format!("/apis/{group}")).await? else { return Ok(vec![]) };
    let Ok(Group { preferred_version: Version { group_version } }) = serde_json::from_str(&text) else {
        return Ok(vec![]);
    };
    let path = format!("/apis/{group_version}");
    let Some(text) = lists::object(&m.world, &path).await? else { return Ok(vec![]) };
    let resources = serde_json::from_str::<Resources>(&text).map(|r| r.resources).unwrap_or_default();
    let listed = |r: &Resource| r.namespaced && !r.name.contains('/') && r.verbs.iter().any(|v| v == "list");
    Ok(resources.into_iter().filter(listed).map(|r| format!("{path}/{}", r.name)).collect())
}
