//! A test claim for each storage class that provisions volumes. A class that waits for a consumer gets a pod with the claim.

use super::api::{Api, ApiError};
use super::events;
use super::test_objects::{NAMESPACE, meta, path, pod, refused, suffix, sweep};
use futures_util::future::join_all;
use podlift_engine::validate::StorageSeen;
use podlift_model::Failure;
use podlift_model::survey::Seen;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

const PROBE: &str = "storage";
const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const LIMIT: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(250);
/// After this time a provisioner's word that it failed is taken; it tries again on its own until then.
const BELIEVED: Duration = Duration::from_secs(3);
/// What a container of a consumer runs; it only has to be there.
const PAUSE: &str = "registry.k8s.io/pause:3.10";

/// The classes alone, each with the reason why no claim was made.
pub(super) async fn classes(api: &Api, why: &str) -> Result<Vec<StorageSeen>, Failure> {
    let all = api.list(CLASSES, &[]).await?;
    Ok(all.iter().map(|class| StorageSeen { skipped: Some(why.into()), ..seen(class) }).collect())
}

/// A probe whose validation was dropped still sweeps, and would take the claims of the next one away.
static TURN: Mutex<()> = Mutex::const_new(());

/// The classes, each with what became of its claim.
pub(super) async fn claims(api: &Api, image: Option<&str>) -> Seen<Vec<StorageSeen>> {
    let words = |failure: Failure| failure.message;
    let _turn = TURN.lock().await;
    sweep(api, PROBE).await.map_err(words)?;
    let all = api.list(CLASSES, &[]).await.map_err(|error| words(error.into()))?;
    let suffix = suffix();
    let name = |number: usize| format!("podlift-validate-{suffix}-{number}");
    let looks = all.iter().enumerate().map(|(number, class)| claimed(api, class, name(number), image));
    let done = join_all(looks).await;
    sweep(api, PROBE).await.map_err(words)?;
    Ok(done)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn seen(class: &Value) -> StorageSeen {
    let provisioner = text(&class["provisioner"]);
    let skipped =
        (provisioner == NO_PROVISIONER).then(|| "its volumes are made by an administrator".to_string());
    StorageSeen {
        class: text(&class["metadata"]["name"]),
        default: class["metadata"]["annotations"][DEFAULT] == "true",
        bound: Err("no claim was made".into()),
        provisioner,
        skipped,
    }
}

async fn claimed(api: &Api, class: &Value, name: String, image: Option<&str>) -> StorageSeen {
    let seen = seen(class);
    if seen.skipped.is_some() {
        return seen;
    }
    let consumer = class["volumeBindingMode"] == "WaitForFirstConsumer";
    match bind(api, &seen.class, &name, consumer.then_some(image.unwrap_or(PAUSE))).await {
        Ok(bound) => StorageSeen { bound, ..seen },
        Err(why) => StorageSeen { skipped: Some(why), ..seen },
    }
}

/// What became of the claim. The error is why none could be tried: a quota or a policy that forbids it says nothing of the class.
async fn bind(api: &Api, class: &str, name: &str, consumer: Option<&str>) -> Result<Seen<u64>, String> {
    let began = Instant::now();
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(name, PROBE),
        "spec": {"storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    api.post(&path("persistentvolumeclaims"), &claim)
        .await
        .map_err(|error| refused("a test claim", error))?;
    if let Some(image) = consumer {
        let container = json!({"volumeMounts": [{"name": "claim", "mountPath": "/claim"}]});
        let volumes = json!([{"name": "claim", "persistentVolumeClaim": {"claimName": name}}]);
        let object = pod(name, PROBE, image, container, volumes, LIMIT.as_secs());
        api.post(&path("pods"), &object).await.map_err(|error| refused("a pod with a test claim", error))?;
    }
    while began.elapsed() < LIMIT {
        match api.get(&format!("{}/{name}", path("persistentvolumeclaims"))).await {
            Ok(claim) if claim["status"]["phase"] == "Bound" => {
                return Ok(Ok(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)));
            }
            Ok(_) => {}
            Err(ApiError::Status(s)) if s.code == 404 => {
                return Err("the claim was deleted by another client".into());
            }
            Err(error) => {
                tracing::debug!(why = Failure::from(error).message, "a test claim could not be read")
            }
        }
        if began.elapsed() > BELIEVED
            && let Ok(Some(said)) = events::about(api, "PersistentVolumeClaim", NAMESPACE, name).await
            && said.starts_with("ProvisioningFailed")
        {
            return Ok(Err(said));
        }
        sleep(AGAIN).await;
    }
    let said = events::about(api, "PersistentVolumeClaim", NAMESPACE, name).await.ok().flatten();
    Ok(Err(format!(
        "not bound within {} s: {}",
        LIMIT.as_secs(),
        said.unwrap_or_else(|| "no event says why".into())
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_a_provisioner_gets_no_claim() {
        let class = |provisioner: &str| {
            seen(
                &json!({"metadata": {"name": "fast", "annotations": {DEFAULT: "true"}}, "provisioner": provisioner}),
            )
        };
        let local = class(NO_PROVISIONER);
        assert!(local.skipped.is_some() && local.default && local.bound.is_err());
        assert_eq!(class("csi.weka.io").skipped, None);
    }
}
