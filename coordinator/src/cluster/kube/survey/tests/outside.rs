//! The view from outside: addresses of LoadBalancer services, ingresses, and the certificates that they present.

use super::{Played, empty};
use podlift_engine::survey::ServedCertificate;
use serde_json::{Value, json};

fn service(name: &str, kind: &str, spec: Value, ip: &str) -> Value {
    let mut object = json!({
        "metadata": {"name": name, "namespace": "ingress-nginx", "managedFields": [
            {"manager": "helm", "operation": "Update"}, {"manager": "controller", "subresource": "status"},
        ]},
        "spec": {"type": kind, "ports": [{"port": 80}, {"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": ip}]}},
    });
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

#[tokio::test(start_paused = true)]
async fn load_balancers_say_who_gave_the_address() {
    let mut pooled = service("pooled", "LoadBalancer", json!({"loadBalancerIP": "10.77.0.91"}), "10.77.0.91");
    pooled["metadata"]["annotations"] = json!({"metallb.universe.tf/ip-allocated-from-pool": "first"});
    let mut none = service("none", "LoadBalancer", json!({}), "x");
    none["status"] = json!({"loadBalancer": {}});
    none["metadata"]["managedFields"] = Value::Null;
    let services = [
        service("plain", "LoadBalancer", json!({}), "10.77.0.90"),
        pooled,
        service("classed", "LoadBalancer", json!({"loadBalancerClass": "bcm"}), "10.77.0.92"),
        none,
        service("inside", "ClusterIP", json!({}), "10.77.0.93"),
    ];
    let seen = empty().list("/api/v1/services", &services).survey().await.load_balancers.unwrap();
    let told: Vec<_> = seen.iter().map(|s| (s.name.as_str(), s.assigned_by.as_deref())).collect();
    let expected = [
        ("plain", Some("controller")),
        ("pooled", Some("MetalLB, pool first")),
        ("classed", Some("class bcm")),
        ("none", None),
    ];
    assert_eq!(told, expected);
    assert_eq!((seen[1].requested.as_deref(), seen[0].requested.as_deref()), (Some("10.77.0.91"), None));
    assert_eq!((&seen[0].addresses, &seen[0].ports), (&vec!["10.77.0.90".to_string()], &vec![80, 443]));
    assert!(seen[3].addresses.is_empty());
}

fn ingress(tls: Value, ip: &str) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "runai"},
        "spec": {"rules": [{"host": "runai.example"}, {"http": {}}], "tls": tls},
        "status": {"loadBalancer": {"ingress": [{"ip": ip}]}},
    })
}

async fn asked(played: Played, ingress: Value) -> Vec<String> {
    let seen = played.list("/apis/networking.k8s.io/v1/ingresses", &[ingress]).survey().await;
    let line = |s: &ServedCertificate| format!("{} {} {}", s.address, s.server_name, s.certificate.is_ok());
    seen.served.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn each_name_that_has_tls_is_asked_for_at_each_address() {
    let named = json!([{"hosts": ["a.example", "*.apps.example"], "secretName": "web-tls"}]);
    let expected = ["10.77.0.90:443 a.example true", "10.77.0.90:443 podlift.apps.example true"];
    assert_eq!(asked(empty(), ingress(named, "10.77.0.90")).await, expected);
    // An entry without names covers those of the rules. Without an entry, no TLS is promised.
    assert_eq!(
        asked(empty(), ingress(json!([{}]), "10.77.0.99")).await,
        ["10.77.0.99:443 runai.example false"]
    );
    assert!(asked(empty(), ingress(Value::Null, "10.77.0.90")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_the_service_has_no_443_its_own_port_is_asked() {
    let other =
        service("other", "LoadBalancer", json!({"ports": [{"port": 80}, {"port": 8443}]}), "10.77.0.90");
    let played = empty().list("/api/v1/services", &[other]);
    assert_eq!(
        asked(played, ingress(json!([{}]), "10.77.0.90")).await,
        ["10.77.0.90:8443 runai.example true"]
    );
}
