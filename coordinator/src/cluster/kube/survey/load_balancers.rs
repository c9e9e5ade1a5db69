//! Services of type LoadBalancer: their addresses, the addresses that they requested, and the source that assigned them.

use super::super::api::Api;
use super::meta::Meta;
use crate::cluster::kube::pages::or_default;
use podlift_engine::survey::LoadBalancerView;
use podlift_model::Failure;
use serde::Deserialize;
use serde_json::Value;

/// The pool that MetalLB took the address from, under its new and its old name.
const POOLS: &[&str] = &["metallb.io/ip-allocated-from-pool", "metallb.universe.tf/ip-allocated-from-pool"];
const REQUESTS: &[&str] = &["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Service {
    #[serde(deserialize_with = "or_default")]
    metadata: Meta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "loadBalancerIP")]
    load_balancer_ip: Option<String>,
    load_balancer_class: Option<String>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    load_balancer: Addresses,
}

/// The addresses of incoming traffic, as services and ingresses report them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Addresses {
    #[serde(deserialize_with = "or_default")]
    ingress: Vec<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    ip: Option<String>,
    hostname: Option<String>,
}

impl Addresses {
    pub fn names(self) -> Vec<String> {
        self.ingress.into_iter().filter_map(|a| a.ip.or(a.hostname)).collect()
    }
}

pub(super) async fn read(api: &Api) -> Result<Vec<LoadBalancerView>, Failure> {
    let mut services = Vec::new();
    api.each("/api/v1/services", &[], |s: Service| {
        if s.spec.kind == "LoadBalancer" {
            services.push(view(s));
        }
    })
    .await?;
    Ok(services)
}

/// One service as an object of the API, whatever its type is.
pub(in super::super) fn of(object: &Value) -> LoadBalancerView {
    view(Service::deserialize(object).unwrap_or_default())
}

fn view(service: Service) -> LoadBalancerView {
    let Service { metadata: meta, spec, status } = service;
    let noted = |keys: &[&str]| keys.iter().find_map(|key| meta.annotation(key)).cloned();
    LoadBalancerView {
        assigned_by: assigned_by(&meta, noted(POOLS), spec.load_balancer_class),
        requested: spec.load_balancer_ip.filter(|ip| !ip.is_empty()).or_else(|| noted(REQUESTS)),
        addresses: status.load_balancer.names(),
        ports: spec.ports.into_iter().map(|p| p.port).collect(),
        namespace: meta.namespace,
        name: meta.name,
    }
}

/// The requested class, else the recorded pool, else the manager that wrote the status.
fn assigned_by(meta: &Meta, pool: Option<String>, class: Option<String>) -> Option<String> {
    let writer = || meta.managed_fields.iter().find(|f| f.subresource == "status").map(|f| f.manager.clone());
    let class = class.map(|c| format!("class {c}"));
    class.or_else(|| pool.map(|p| format!("MetalLB, pool {p}"))).or_else(writer)
}
