//! Objects that a validation makes: they are in a namespace of their own, carry a label, and are deleted at the beginning and at the end. A
//! coordinator that died leaves some of them, which the next validation deletes.

use super::api::{Api, ApiError};
use futures_util::future::join_all;
use podlift_model::Failure;
use serde_json::{Value, json};

/// rbac.yaml makes it.
pub(super) const NAMESPACE: &str = "podlift";
pub(super) const LABEL: &str = "podlift.io/validate";
/// Pods first, because a claim in use is not deleted.
const KINDS: [&str; 2] = ["pods", "persistentvolumeclaims"];

pub(super) fn path(kind: &str) -> String {
    format!("/api/v1/namespaces/{NAMESPACE}/{kind}")
}

/// A part of the names of one validation's objects: one of an earlier validation that is still being deleted has another name.
pub(super) fn suffix() -> String {
    uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect()
}

/// Metadata of an object of this validation.
pub(super) fn meta(name: &str, probe: &str) -> Value {
    json!({"name": name, "namespace": NAMESPACE, "labels": { LABEL: probe }})
}

/// Deletes what earlier validations have left of this probe.
pub(super) async fn sweep(api: &Api, probe: &str) -> Result<(), Failure> {
    let selector = format!("{LABEL}={probe}");
    for kind in KINDS {
        let found = match api.list(&path(kind), &[("labelSelector", &selector)]).await {
            Ok(found) => found,
            Err(ApiError::Status(s)) if s.code == 404 => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let names = found.iter().filter_map(|object| object["metadata"]["name"].as_str());
        let gone = join_all(names.map(|name| remove(api, kind, name))).await;
        gone.into_iter().collect::<Result<Vec<()>, _>>()?;
    }
    Ok(())
}

async fn remove(api: &Api, kind: &str, name: &str) -> Result<(), Failure> {
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0});
    match api.delete(&format!("{}/{name}", path(kind)), &options).await {
        Ok(_) => Ok(()),
        Err(ApiError::Status(s)) if s.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Why objects of a validation can't be made, in words for people.
pub(super) fn refused(what: &str, error: ApiError) -> String {
    match &error {
        ApiError::Status(s) if matches!(s.code, 403 | 404) => format!(
            "{what} was not made: {}; kubectl apply -f /usr/share/doc/podlift/rbac.yaml makes namespace {NAMESPACE} and podlift's role there",
            s.message
        ),
        _ => format!("{what} was not made: {}", Failure::from(error).message),
    }
}

/// A small pod that runs once, on any node that takes pods, and may do nothing else.
pub(super) fn pod(
    name: &str,
    probe: &str,
    image: &str,
    container: Value,
    volumes: Value,
    seconds: u64,
) -> Value {
    let mut own = json!({
        "name": "probe", "image": image, "imagePullPolicy": "IfNotPresent",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    if let (Some(own), Some(more)) = (own.as_object_mut(), container.as_object()) {
        own.extend(more.clone());
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta(name, probe),
        "spec": {
            "restartPolicy": "Never", "activeDeadlineSeconds": seconds, "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false, "enableServiceLinks": false,
            "containers": [own], "volumes": volumes,
        },
    })
}
