//! The provider of load-balancer addresses: MetalLB, kube-vip or Cilium. An address that a service asks for in the provider's own way is
//! given or refused; a service that asks for none gets the first free one of the pool, which need not be the one that it had before.

use super::events::{self, Said};
use super::state::State;
use crate::objects::Key;
use crate::objects::fields::{self, Writer};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    #[default]
    MetalLb,
    KubeVip,
    Cilium,
}

impl Provider {
    /// The annotations that name an address, the newer one first.
    fn pins(self) -> &'static [&'static str] {
        match self {
            Provider::MetalLb => &["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"],
            Provider::KubeVip => &["kube-vip.io/loadbalancerIPs"],
            Provider::Cilium => &["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"],
        }
    }

    /// The manager that writes the status, and the component that its events name.
    fn writer(self) -> (&'static str, &'static str) {
        match self {
            Provider::MetalLb => ("controller", "metallb-controller"),
            Provider::KubeVip => ("kube-vip-cloud-provider", "kube-vip-cloud-provider"),
            Provider::Cilium => ("cilium-operator", "cilium-operator"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Balancers {
    pub provider: Provider,
    /// First three octets of the pool's addresses; `None`: the pool is gone.
    pub pool: Option<String>,
    /// Last octets of the pool's addresses.
    pub hosts: RangeInclusive<u8>,
}

/// Name of the pool.
const POOL: &str = "default";
/// Last octets of the pool's addresses at the beginning.
pub const HOSTS: RangeInclusive<u8> = 240..=250;
/// MetalLB's mark of the pool that an address is from.
const FROM_POOL: &str = "metallb.io/ip-allocated-from-pool";

/// The pool's object is changed, which every controller sees; `None` takes it away.
pub fn set_pool(s: &mut State, network: Option<String>) {
    let key = Key::new("metallb.io", "ipaddresspools", "metallb-system", POOL);
    match &network {
        None => drop(s.api.delete(&key)),
        Some(network) => {
            let range =
                format!("{network}.{}-{network}.{}", s.balancers.hosts.start(), s.balancers.hosts.end());
            drop(s.api.put(key, json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "spec": {"addresses": [range]}})));
        }
    }
    s.balancers.pool = network;
}

/// Gives addresses to the services that wait for one.
pub fn assign(s: &mut State, now: Timestamp) {
    let waits = |v: &Value| {
        v["spec"]["type"] == "LoadBalancer"
            && v["metadata"]["deletionTimestamp"].is_null()
            && addresses(v).next().is_none()
    };
    let all = s.api.of("", "services").filter(|(_, v)| waits(v));
    let waiting: Vec<(Key, Value)> = all.map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, service) in waiting {
        let (_, component) = s.balancers.provider.writer();
        match choose(s, &key, &service) {
            Ok(address) => give(s, &key, &address, now),
            Err(why) => {
                let message = format!("Failed to allocate IP for \"{}/{}\": {why}", key.namespace, key.name);
                let said = Said { warning: true, reason: "AllocationFailed", message: &message, component };
                events::note(s, &service, &said, now);
            }
        }
    }
}

/// The addresses that a service has.
pub fn addresses(service: &Value) -> impl Iterator<Item = &str> {
    let all = service["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    all.filter_map(|i| i["ip"].as_str())
}

/// The address that a service asks for.
fn wanted(s: &State, service: &Value) -> Option<String> {
    let noted = |name: &&str| service["metadata"]["annotations"][*name].as_str();
    let pinned = s.balancers.provider.pins().iter().find_map(noted);
    let text = pinned.or_else(|| service["spec"]["loadBalancerIP"].as_str())?;
    text.split(',').next().map(str::trim).filter(|ip| !ip.is_empty()).map(String::from)
}

fn choose(s: &State, key: &Key, service: &Value) -> Result<String, String> {
    let Some(network) = &s.balancers.pool else { return Err("no available IPs".into()) };
    let holder = |ip: &str| {
        let mut others = s.api.of("", "services").filter(|(k, _)| *k != key);
        others
            .find(|(_, v)| addresses(v).any(|a| a == ip))
            .map(|(k, _)| format!("{}/{}", k.namespace, k.name))
    };
    let mut pool = s.balancers.hosts.clone().map(|host| format!("{network}.{host}"));
    let Some(ip) = wanted(s, service) else {
        return pool.find(|ip| holder(ip).is_none()).ok_or_else(|| "no available IPs".into());
    };
    if !pool.any(|a| a == ip) {
        return Err(format!("[\"{ip}\"] is not allowed in config"));
    }
    match holder(&ip) {
        Some(other) => {
            let name = format!("{}/{}", key.namespace, key.name);
            Err(format!("can't change sharing key for \"{name}\", address also in use by {other}"))
        }
        None => Ok(ip),
    }
}

fn give(s: &mut State, key: &Key, address: &str, now: Timestamp) {
    let provider = s.balancers.provider;
    let (manager, component) = provider.writer();
    let given = s.api.change(key, |v| {
        if provider == Provider::MetalLb {
            v["metadata"]["annotations"][FROM_POOL] = json!(POOL);
        }
        let before = v.clone();
        v["status"]["loadBalancer"] = json!({"ingress": [{"ip": address, "ipMode": "VIP"}]});
        fields::updated(&before, v, &Writer::update(manager, Some("status")), now);
    });
    let Some(service) = given else { return };
    let message = format!("Assigned IP [\"{address}\"]");
    let said = Said { warning: false, reason: "IPAllocated", message: &message, component };
    events::note(s, &service, &said, now);
    publish(s, key, address);
}

/// An ingress controller writes the address of its service into its ingresses.
fn publish(s: &mut State, service: &Key, address: &str) {
    if !service.name.contains("ingress") {
        return;
    }
    let all = s.api.of("networking.k8s.io", "ingresses").map(|(k, _)| k.clone());
    for key in all.collect::<Vec<_>>() {
        s.api.change(&key, |v| v["status"]["loadBalancer"] = json!({"ingress": [{"ip": address}]}));
    }
}

#[cfg(test)]
#[path = "balancers_tests.rs"]
mod tests;
