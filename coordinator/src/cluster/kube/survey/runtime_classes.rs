//! Names of the RuntimeClasses, which GPU workloads refer to.

use super::super::api::Api;
use super::meta::Meta;
use crate::cluster::kube::pages::or_default;
use podlift_model::Failure;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
}

pub(super) async fn read(api: &Api) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    api.each("/apis/node.k8s.io/v1/runtimeclasses", &[], |o: Object| names.push(o.metadata.name)).await?;
    Ok(names)
}
