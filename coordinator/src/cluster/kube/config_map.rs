//! ConfigMaps of kube-system that kubeadm writes from. A read includes their writers, and a write succeeds only on the version that was
//! read.

use super::api::{Api, ApiError};
use super::owner;
use podlift_model::{Epoch, Failure, codes};
use serde_json::{Value, json};

/// One text in one ConfigMap.
pub(super) struct ConfigMap {
    pub name: &'static str,
    pub key: &'static str,
}

/// The text, as it was read.
pub(super) struct Text {
    pub resource_version: String,
    pub text: String,
    /// `manager at time`, newest first.
    pub managers: Vec<String>,
}

impl ConfigMap {
    fn path(&self) -> String {
        format!("/api/v1/namespaces/kube-system/configmaps/{}", self.name)
    }

    pub async fn read(&self, api: &Api) -> Result<Text, Failure> {
        self.find(api).await?.ok_or_else(|| self.gone())
    }

    /// `None` if there is no such ConfigMap.
    pub async fn find(&self, api: &Api) -> Result<Option<Text>, Failure> {
        let Some(object) = api.find(&self.path()).await? else { return Ok(None) };
        let Self { name, key } = self;
        let missing = || Failure::operator(name, format!("ConfigMap kube-system/{name} has no {key}"));
        Ok(Some(Text {
            resource_version: object["metadata"]["resourceVersion"].as_str().unwrap_or_default().into(),
            text: object["data"][key].as_str().ok_or_else(missing)?.into(),
            managers: managers(&object),
        }))
    }

    pub async fn write(
        &self,
        api: &Api,
        resource_version: &str,
        text: &str,
        epoch: &Epoch,
    ) -> Result<String, Failure> {
        let object = api.find(&self.path()).await?.ok_or_else(|| self.gone())?;
        owner::check(&object, epoch)?;
        let epoch = serde_json::to_string(epoch).unwrap_or_default();
        let Self { name, key } = self;
        let patch = json!({
            "metadata": {"resourceVersion": resource_version, "annotations": { owner::EPOCH: epoch }},
            "data": { *key: text },
        });
        match api.merge_patch(&self.path(), &patch).await {
            Ok(_) => Ok(format!("{name} repaired")),
            Err(ApiError::Status(s)) if s.code == 409 => {
                let text = format!(
                    "{name} was changed by another client between the read and the write of podlift: it is read again"
                );
                Err(Failure::transient(codes::API_CONFLICT, text))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn gone(&self) -> Failure {
        let text = format!(
            "ConfigMap kube-system/{} does not exist: this cluster was not made by kubeadm, or the ConfigMap was removed",
            self.name
        );
        Failure::operator(self.name, text)
    }
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
