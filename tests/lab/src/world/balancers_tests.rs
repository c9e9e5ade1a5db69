use super::*;
use crate::world::{Shape, World};

/// Adds a service of type LoadBalancer with these annotations, lets the provider act, and returns its addresses.
fn asked(world: &World, name: &str, annotations: &Value) -> Vec<String> {
    let now = world.clock.now();
    world.update(|s| {
        let mut v = crate::world::cast::object("v1", "Service", "default", name, json!({}), now);
        v["metadata"]["annotations"] = annotations.clone();
        v["spec"] = json!({"type": "LoadBalancer"});
        v["status"] = json!({"loadBalancer": {}});
        let key = Key::new("", "services", "default", name);
        s.api.put(key.clone(), v);
        assign(s, now);
        s.api.get(&key).map(|v| addresses(v).map(String::from).collect()).unwrap_or_default()
    })
}

/// Messages of the warnings about a service.
fn warnings(world: &World, name: &str) -> Vec<String> {
    let s = world.lock();
    let mine =
        s.api.of("", "events").filter(|(_, v)| v["type"] == "Warning" && v["involvedObject"]["name"] == name);
    mine.map(|(_, v)| v["message"].as_str().unwrap_or_default().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pin_is_honoured_in_the_providers_own_way_alone() {
    let pins = [
        (Provider::MetalLb, "metallb.io/loadBalancerIPs"),
        (Provider::MetalLb, "metallb.universe.tf/loadBalancerIPs"),
        (Provider::KubeVip, "kube-vip.io/loadbalancerIPs"),
        (Provider::Cilium, "lbipam.cilium.io/ips"),
        (Provider::Cilium, "io.cilium/lb-ipam-ips"),
    ];
    for (provider, pin) in pins {
        let world = World::new(Shape::default());
        world.update(|s| s.balancers.provider = provider);
        assert_eq!(asked(&world, "pinned", &json!({pin: "10.77.0.247"})), ["10.77.0.247"], "{pin}");
        let other =
            if provider == Provider::MetalLb { "lbipam.cilium.io/ips" } else { "metallb.io/loadBalancerIPs" };
        assert_eq!(asked(&world, "foreign", &json!({other: "10.77.0.249"})), ["10.77.0.240"], "{provider:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_can_not_be_given_is_said_in_an_event() {
    let world = World::new(Shape::default());
    let pin = |ip: &str| json!({"metallb.io/loadBalancerIPs": ip});
    assert!(asked(&world, "outside", &pin("10.9.9.9")).is_empty());
    assert!(warnings(&world, "outside")[0].contains("is not allowed in config"));
    assert!(asked(&world, "taken", &pin(&world.shape.ingress_address())).is_empty());
    assert!(warnings(&world, "taken")[0].contains("also in use by ingress-nginx/ingress-nginx-controller"));
    world.update(|s| s.balancers.pool = None);
    assert!(asked(&world, "poor", &json!({})).is_empty());
    assert_eq!(warnings(&world, "poor"), ["Failed to allocate IP for \"default/poor\": no available IPs"]);
}
