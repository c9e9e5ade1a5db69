//! Each provider is recognised, and asked in its own way.

use super::*;
use serde_json::json;

fn raw(annotations: Value, class: Option<&str>, manager: Option<&str>) -> Value {
    let managed = manager.map(|m| json!([{"manager": m, "subresource": "status"}, {"manager": "kubectl"}]));
    json!({
        "metadata": {"name": "s", "namespace": "n", "annotations": annotations, "managedFields": managed},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": class, "loadBalancerIP": "10.0.0.1"},
    })
}

#[test]
fn a_provider_is_known_by_annotation_then_class_then_writer() {
    let cases = [
        (json!({"metallb.io/address-pool": "p"}), None, None, Provider::MetalLb),
        (
            json!({"metallb.universe.tf/loadBalancerIPs": "10.0.0.1"}),
            None,
            Some("cilium-operator"),
            Provider::MetalLb,
        ),
        (json!({"kube-vip.io/vipHost": "n1"}), None, None, Provider::KubeVip),
        (json!({"lbipam.cilium.io/ips": "10.0.0.1"}), None, None, Provider::Cilium),
        (json!({"io.cilium/lb-ipam-ips": "10.0.0.1"}), None, None, Provider::Cilium),
        (json!({}), Some("kube-vip.io/kube-vip-class"), Some("controller"), Provider::KubeVip),
        (json!({}), Some("io.cilium/l2-announcer"), None, Provider::Cilium),
        (json!({}), None, Some("controller"), Provider::MetalLb),
        (json!({}), None, Some("kube-vip"), Provider::KubeVip),
        (json!({}), None, Some("cloud-controller-manager"), Provider::Other),
        // A value that names another provider is no mark, and neither is a writer of the specification.
        (json!({"example.org/note": "moved from metallb"}), None, None, Provider::Other),
        (json!(null), None, None, Provider::Other),
    ];
    for (annotations, class, manager, wanted) in cases {
        assert_eq!(
            of(&raw(annotations.clone(), class, manager)),
            wanted,
            "{annotations} {class:?} {manager:?}"
        );
    }
    let writer = json!({"metadata": {"managedFields": [{"manager": "metallb"}]}});
    assert_eq!(of(&writer), Provider::Other, "not of the status");
    assert_eq!(of_assigned(Some("metallb")), Provider::MetalLb);
    assert_eq!(of_assigned(None), Provider::Other);
}

#[test]
fn each_provider_is_asked_in_its_own_way() {
    let two = ["10.77.0.90".to_string(), "fd00::90".to_string()];
    let pinned = |provider: Provider, annotations: Value| {
        let mut service = raw(annotations, None, None);
        provider.pin(&mut service, &two);
        (service["metadata"]["annotations"].clone(), service["spec"]["loadBalancerIP"].clone())
    };
    let both = "10.77.0.90,fd00::90";
    let cases = [
        (Provider::MetalLb, json!({}), json!({"metallb.universe.tf/loadBalancerIPs": both}), Value::Null),
        (
            Provider::MetalLb,
            json!({"metallb.io/ip-allocated-from-pool": "p"}),
            json!({"metallb.io/ip-allocated-from-pool": "p", "metallb.io/loadBalancerIPs": both}),
            Value::Null,
        ),
        (
            Provider::MetalLb,
            json!({"metallb.universe.tf/ip-allocated-from-pool": "p"}),
            json!({"metallb.universe.tf/ip-allocated-from-pool": "p", "metallb.universe.tf/loadBalancerIPs": both}),
            Value::Null,
        ),
        (
            Provider::MetalLb,
            json!({"metallb.io/loadBalancerIPs": "10.0.0.8", "metallb.universe.tf/loadBalancerIPs": "10.0.0.9"}),
            json!({"metallb.universe.tf/loadBalancerIPs": both}),
            Value::Null,
        ),
        (
            Provider::MetalLb,
            json!({"metallb.io/loadBalancerIPs": "10.0.0.8"}),
            json!({"metallb.io/loadBalancerIPs": both}),
            Value::Null,
        ),
        (
            Provider::MetalLb,
            json!({"metallb.universe.tf/loadBalancerIPs": "10.0.0.9"}),
            json!({"metallb.universe.tf/loadBalancerIPs": both}),
            Value::Null,
        ),
        (Provider::KubeVip, json!(null), json!({"kube-vip.io/loadbalancerIPs": both}), Value::Null),
        (
            Provider::Cilium,
            json!({}),
            json!({"lbipam.cilium.io/ips": both, "io.cilium/lb-ipam-ips": both}),
            Value::Null,
        ),
        (
            Provider::Cilium,
            json!({"lbipam.cilium.io/sharing-key": "k"}),
            json!({"lbipam.cilium.io/sharing-key": "k", "lbipam.cilium.io/ips": both}),
            Value::Null,
        ),
        (
            Provider::Cilium,
            json!({"io.cilium/lb-ipam-ips": "10.0.0.9"}),
            json!({"io.cilium/lb-ipam-ips": both}),
            Value::Null,
        ),
        (Provider::Other, json!({"a/b": "c"}), json!({"a/b": "c"}), json!("10.77.0.90")),
    ];
    for (provider, before, annotations, ip) in cases {
        assert_eq!(pinned(provider, before.clone()), (annotations, ip), "{} {before}", provider.name());
    }
}

#[test]
fn a_field_that_asks_for_the_only_address_already_stays_and_no_annotation_joins_it() {
    let pinned = |provider: Provider, annotations: Value, address: &str| {
        let mut service = raw(annotations, None, None);
        provider.pin(&mut service, &[address.to_string()]);
        (service["metadata"]["annotations"].clone(), service["spec"]["loadBalancerIP"].clone())
    };
    for provider in [Provider::MetalLb, Provider::KubeVip, Provider::Cilium] {
        let kept = pinned(provider, json!({"a/b": "c"}), "10.0.0.1");
        assert_eq!(kept, (json!({"a/b": "c"}), json!("10.0.0.1")), "{}", provider.name());
    }
    let key = "metallb.universe.tf/loadBalancerIPs";
    let moved = pinned(Provider::MetalLb, json!({}), "10.0.0.2");
    assert_eq!(moved, (json!({ key: "10.0.0.2" }), Value::Null), "it asked for another address");
    let asked = pinned(Provider::MetalLb, json!({ key: "10.0.0.2" }), "10.0.0.1");
    assert_eq!(asked, (json!({ key: "10.0.0.1" }), Value::Null), "never both");
}
