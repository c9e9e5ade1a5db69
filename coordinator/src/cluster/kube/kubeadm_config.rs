//! ConfigMap kube-system/kubeadm-config: read with who wrote it, written only on top of the version that was read.

use super::api::{Api, ApiError};
use super::owner;
use podlift_engine::request::KubeadmConfigView;
use podlift_model::{Epoch, Failure};
use serde_json::{Value, json};

const PATH: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";
const KEY: &str = "ClusterConfiguration";

pub(super) async fn read(api: &Api) -> Result<KubeadmConfigView, Failure> {
    let object = object(api).await?;
    let text = object["data"][KEY].as_str();
    let missing =
        || Failure::operator("kubeadm-config", format!("ConfigMap kube-system/kubeadm-config has no {KEY}"));
    Ok(KubeadmConfigView {
        resource_version: object["metadata"]["resourceVersion"].as_str().unwrap_or_default().into(),
        cluster_configuration: text.ok_or_else(missing)?.into(),
        managers: managers(&object),
    })
}

pub(super) async fn write(
    api: &Api,
    resource_version: &str,
    text: &str,
    epoch: &Epoch,
) -> Result<String, Failure> {
    owner::check(&object(api).await?, epoch)?;
    let epoch = serde_json::to_string(epoch).unwrap_or_default();
    let patch = json!({
        "metadata": {"resourceVersion": resource_version, "annotations": { owner::EPOCH: epoch }},
        "data": { KEY: text },
    });
    match api.merge_patch(PATH, &patch).await {
        Ok(_) => Ok("kubeadm-config repaired".into()),
        Err(ApiError::Status(s)) if s.code == 409 => {
            let text = "kubeadm-config was changed by somebody else between our look and our write: it is looked at again";
            Err(Failure::transient("api-conflict", text))
        }
        Err(error) => Err(error.into()),
    }
}

async fn object(api: &Api) -> Result<Value, Failure> {
    let gone = || {
        Failure::operator(
            "kubeadm-config",
            "ConfigMap kube-system/kubeadm-config does not exist: this cluster was not made by kubeadm, or somebody removed it",
        )
    };
    api.find(PATH).await?.ok_or_else(gone)
}

/// `manager at time`, newest first.
fn managers(object: &Value) -> Vec<String> {
    let fields = object["metadata"]["managedFields"].as_array();
    let text = |f: &Value, key: &str| f[key].as_str().unwrap_or("unknown").to_string();
    let mut all: Vec<(String, String)> =
        fields.into_iter().flatten().map(|f| (text(f, "time"), text(f, "manager"))).collect();
    all.sort();
    all.iter().rev().map(|(time, manager)| format!("{manager} at {time}")).collect()
}
