//! Providers of LoadBalancer addresses, and how each is asked for a certain address.

use serde_json::{Map, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    MetalLb,
    KubeVip,
    Cilium,
    /// Any other: it reads `spec.loadBalancerIP`.
    Other,
}

/// An annotation that asks for addresses.
struct Pin {
    provider: Provider,
    /// The newer one first. The last one is read by every release.
    keys: &'static [&'static str],
    /// One of the keys alone may be there, because two contradict each other.
    alone: bool,
    /// Parts of the annotations, class or field managers by which it is recognised.
    marks: &'static [&'static str],
}

const PINS: &[Pin] = &[
    Pin {
        provider: Provider::MetalLb,
        keys: &["metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs"],
        alone: true,
        marks: &["metallb"],
    },
    Pin {
        provider: Provider::KubeVip,
        keys: &["kube-vip.io/loadbalancerIPs"],
        alone: true,
        marks: &["kube-vip"],
    },
    Pin {
        provider: Provider::Cilium,
        keys: &["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"],
        alone: false,
        marks: &["cilium"],
    },
];

impl Pin {
    /// The keys by which this service is asked: those that it has, else those of a prefix that it has, which its release knows, else all.
    fn keys_of(&self, annotations: &Map<String, Value>) -> Vec<&'static str> {
        let has = |key: &str| annotations.contains_key(key);
        let prefix = |key: &str| key.split('/').next().unwrap_or_default().to_string();
        let known = |key: &str| annotations.keys().any(|other| prefix(other) == prefix(key));
        let all = |mine: &dyn Fn(&str) -> bool| -> Vec<&'static str> {
            self.keys.iter().copied().filter(|&key| mine(key)).collect()
        };
        let keys = [all(&has), all(&known), self.keys.to_vec()];
        let keys = keys.into_iter().find(|keys| !keys.is_empty()).unwrap_or_default();
        if self.alone { keys.last().copied().into_iter().collect() } else { keys }
    }
}

impl Provider {
    pub fn name(self) -> &'static str {
        match self {
            Self::MetalLb => "MetalLB",
            Self::KubeVip => "kube-vip",
            Self::Cilium => "Cilium",
            Self::Other => "the provider",
        }
    }

    /// Writes into the service that it is to get these addresses.
    pub fn pin(self, service: &mut Value, addresses: &[String]) {
        let wanted = addresses.join(",");
        match PINS.iter().find(|pin| pin.provider == self) {
            Some(pin) => {
                let asks = service["spec"]["loadBalancerIP"].as_str() == Some(wanted.as_str());
                let noted = &service["metadata"]["annotations"];
                // The field asks for exactly this already, and every release reads it.
                if asks && pin.keys.iter().all(|key| noted.get(*key).is_none()) {
                    return;
                }
                let annotations = annotations(service);
                let keys = pin.keys_of(annotations);
                annotations.retain(|key, _| !pin.keys.contains(&key.as_str()));
                annotations
                    .extend(keys.into_iter().map(|key| (key.to_string(), Value::from(wanted.as_str()))));
                // Two wishes in one object contradict each other; MetalLB refuses such a service.
                if let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut) {
                    spec.remove("loadBalancerIP");
                }
            }
            // The field takes one address.
            None => {
                if let Some(first) = addresses.first() {
                    service["spec"]["loadBalancerIP"] = first.clone().into();
                }
            }
        }
    }
}

fn annotations(service: &mut Value) -> &mut Map<String, Value> {
    let metadata = &mut service["metadata"];
    if !metadata["annotations"].is_object() {
        metadata["annotations"] = Value::Object(Map::new());
    }
    match metadata["annotations"].as_object_mut() {
        Some(annotations) => annotations,
        None => unreachable!("it was made an object above"),
    }
}

/// The provider of a raw service: by its annotations, then its class, then who wrote its status.
pub fn of(raw: &Value) -> Provider {
    let annotations = raw["metadata"]["annotations"].as_object().into_iter().flatten();
    let of_key = |key: &String| by_mark(key.split('/').next().unwrap_or(key));
    let class = raw["spec"]["loadBalancerClass"].as_str();
    let managers = raw["metadata"]["managedFields"].as_array().into_iter().flatten();
    let status = |entry: &&Value| entry["subresource"] == "status";
    let writer = managers.filter(status).filter_map(|entry| entry["manager"].as_str()).find_map(by_mark);
    let asked = annotations.map(|(key, _)| key).find_map(of_key);
    asked.or_else(|| class.and_then(by_mark)).or(writer).unwrap_or(Provider::Other)
}

/// The provider of a service as the record has it: from what assigned its address.
pub fn of_assigned(assigned_by: Option<&str>) -> Provider {
    assigned_by.and_then(by_mark).unwrap_or(Provider::Other)
}

fn by_mark(text: &str) -> Option<Provider> {
    // MetalLB's controller writes the status under this name.
    if text == "controller" {
        return Some(Provider::MetalLb);
    }
    let text = text.to_ascii_lowercase();
    PINS.iter().find(|pin| pin.marks.iter().any(|mark| text.contains(mark))).map(|pin| pin.provider)
}

#[cfg(test)]
#[path = "providers_tests.rs"]
mod tests;
