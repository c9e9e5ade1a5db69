//! The state of Calico, as its operator reports it, and the operator itself. If BCM installed Calico itself, this API group does not exist.

use super::super::api::{Api, ApiError};
use super::meta::{Condition, Meta};
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::{TigeraOperator, TigeraStatus};
use podlift_model::Failure;
use serde::Deserialize;

const PATH: &str = "/apis/operator.tigera.io/v1/tigerastatuses";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
}

pub(in super::super) async fn read(api: &Api) -> Result<Vec<TigeraStatus>, Failure> {
    let mut parts = Vec::new();
    match api.each(PATH, &[], |object: Object| parts.push(view(object))).await {
        Ok(()) => Ok(parts),
        Err(ApiError::Status(s)) if s.code == 404 => Ok(vec![]),
        Err(error) => Err(error.into()),
    }
}

const OPERATORS: &str = "/apis/apps/v1/namespaces/tigera-operator/deployments";
const OPERATOR: &str = "tigera-operator";
/// Exists where Calico was installed from manifests; the operator's own has the namespace calico-system.
const MANIFESTS: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
}

/// `None` if the operator is not installed.
pub(super) async fn operator(api: &Api) -> Result<Option<TigeraOperator>, Failure> {
    let mut found = false;
    match api.each(OPERATORS, &[], |d: Named| found |= d.metadata.name == OPERATOR).await {
        Err(ApiError::Status(s)) if s.code == 404 => return Ok(None),
        other => other?,
    }
    if !found {
        return Ok(None);
    }
    Ok(Some(TigeraOperator { beside_manifests: api.find(MANIFESTS).await?.is_some() }))
}

fn view(object: Object) -> TigeraStatus {
    let conditions = &object.status.conditions;
    let holds = |kind: &str| conditions.iter().any(|c| c.kind == kind && c.status == "True");
    let (available, degraded, progressing) = (holds("Available"), holds("Degraded"), holds("Progressing"));
    // The condition that is wrong gives the reason. If none is wrong, the reason is not shown.
    let telling = if degraded {
        "Degraded"
    } else if progressing {
        "Progressing"
    } else {
        "Available"
    };
    let said = conditions.iter().find(|c| c.kind == telling);
    let message = said.map(|c| if c.message.is_empty() { &c.reason } else { &c.message });
    TigeraStatus {
        name: object.metadata.name,
        available,
        degraded,
        progressing,
        message: message.cloned().unwrap_or_default(),
    }
}
