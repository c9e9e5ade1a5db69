//! Ingresses of all namespaces, and the names that they promise TLS for.

use super::super::api::Api;
use super::load_balancers::Addresses;
use super::meta::Meta;
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::IngressView;
use podlift_model::Failure;
use serde::Deserialize;
use std::collections::BTreeSet;

const PATH: &str = "/apis/networking.k8s.io/v1/ingresses";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ingress {
    pub view: IngressView,
    /// Names of its TLS entries. An entry without names covers the names of the rules.
    pub tls_hosts: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
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
    rules: Vec<Rule>,
    #[serde(deserialize_with = "or_default")]
    tls: Vec<Tls>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    host: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tls {
    #[serde(deserialize_with = "or_default")]
    hosts: Vec<String>,
    secret_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    load_balancer: Addresses,
}

pub(super) async fn read(api: &Api) -> Result<Vec<Ingress>, Failure> {
    let mut ingresses = Vec::new();
    api.each(PATH, &[], |object: Object| ingresses.push(read_one(object))).await?;
    Ok(ingresses)
}

fn read_one(object: Object) -> Ingress {
    let Object { metadata, spec, status } = object;
    let hosts: BTreeSet<String> = spec.rules.into_iter().map(|r| r.host).filter(|h| !h.is_empty()).collect();
    let named =
        |tls: &Tls| if tls.hosts.is_empty() { hosts.clone() } else { tls.hosts.iter().cloned().collect() };
    let tls_hosts = spec.tls.iter().flat_map(named).collect();
    let secrets = spec.tls.into_iter().map(|t| t.secret_name).filter(|s| !s.is_empty());
    let view = IngressView {
        namespace: metadata.namespace,
        name: metadata.name,
        tls_secrets: secrets.collect(),
        hosts: hosts.into_iter().collect(),
        addresses: status.load_balancer.names(),
    };
    Ingress { view, tls_hosts }
}
