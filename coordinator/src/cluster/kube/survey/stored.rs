//! Objects in etcd that the next minor cannot read any more. Objects of APIs with several versions were rewritten long ago. The check
//! covers APIs that had one version only, and CustomResourceDefinitions whose definition lacks a version that objects were stored in.

use super::super::api::{Api, ApiError};
use super::meta::Meta;
use super::metrics::Told;
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::StoredVersion;
use podlift_model::survey::Seen;
use podlift_model::{Failure, Minor, codes};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Minor that removed it, group/version and resource. Each had no other version at the minor before (Kubernetes' CHANGELOG-1.32 and
/// `zz_generated.prerelease-lifecycle.go`).
const LOST: &[(&str, &str, &str)] = &[
    ("1.32", "coordination.k8s.io/v1alpha1", "leasecandidates"),
    ("1.32", "resource.k8s.io/v1alpha3", "podschedulingcontexts"),
];
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Definition {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    versions: Vec<Version>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    stored_versions: Vec<String>,
}

pub(super) async fn read(
    api: &Api,
    told: &BTreeMap<String, Seen<Told>>,
) -> Result<Vec<StoredVersion>, Failure> {
    let now = minor(api).await?;
    let mut out = Vec::new();
    for (lost, version, resource) in LOST.iter().filter(|(lost, ..)| follows(now, lost)) {
        let objects = count(api, &format!("/apis/{version}/{resource}")).await?;
        let resource = format!("{resource}.{}", version.split('/').next().unwrap_or(version));
        tracing::debug!(lost, resource, objects, "stored objects of an API that goes away");
        out.push(StoredVersion { resource, version: version.to_string(), objects });
    }
    let mut lacking = Vec::new();
    api.each(DEFINITIONS, &[], |d: Definition| lacking.extend(lacks(d))).await?;
    for (resource, version) in lacking {
        let objects = objects(told, &resource)?;
        out.push(StoredVersion { resource, version, objects });
    }
    out.retain(|s| s.objects > 0);
    Ok(out)
}

/// Minor of the server that answers. Some builds write it as `31+`.
async fn minor(api: &Api) -> Result<Minor, Failure> {
    let version = api.get("/version").await?;
    let number = |key: &str| version[key].as_str().unwrap_or_default().trim_end_matches('+').to_string();
    let text = format!("{}.{}", number("major"), number("minor"));
    let odd =
        |_| Failure::permanent(codes::ODD_REPLY, format!("/version tells {text:?}, expected like 1.31"));
    text.parse().map_err(odd)
}

/// Whether the run's target is the minor that removed it. A run goes one minor up, and its target still reads what is removed later.
fn follows(now: Minor, lost: &str) -> bool {
    lost.parse::<Minor>().is_ok_and(|lost| now.next() == lost)
}

/// Number of objects; 0 if the API is not served.
async fn count(api: &Api, path: &str) -> Result<u32, Failure> {
    let mut objects = 0;
    match api.each(path, &[], |_: serde::de::IgnoredAny| objects += 1).await {
        Ok(()) => Ok(objects),
        Err(ApiError::Status(s)) if s.code == 404 => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Versions that objects were stored in and that the definition no longer has. No server can read those objects.
fn lacks(definition: Definition) -> Vec<(String, String)> {
    let known = |v: &String| definition.spec.versions.iter().any(|k| k.name == *v);
    let gone = definition.status.stored_versions.iter().filter(|v| !known(v));
    gone.map(|v| (definition.metadata.name.clone(), v.clone())).collect()
}

/// The highest number of all servers, because a server counts anew after a start.
fn objects(told: &BTreeMap<String, Seen<Told>>, resource: &str) -> Result<u32, Failure> {
    let counts = told.values().filter_map(|t| t.as_ref().ok()?.objects.get(resource));
    let unknown = || {
        let text =
            format!("no API server reports the number of objects of {resource} (apiserver_storage_objects)");
        Failure::permanent("not-counted", text)
    };
    counts.max().copied().ok_or_else(unknown)
}
