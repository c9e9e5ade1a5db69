//! A cleaned object can be created again, and is reached as before.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// ingress-nginx as an API server gives it.
fn service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "ingress-nginx-controller",
            "namespace": "ingress-nginx",
            "uid": "2f0f1b7c",
            "resourceVersion": "4107",
            "generation": 3,
            "creationTimestamp": "2025-10-01T00:00:00Z",
            "deletionTimestamp": "2025-10-20T00:00:00Z",
            "deletionGracePeriodSeconds": 0,
            "selfLink": "/api/v1/namespaces/ingress-nginx/services/ingress-nginx-controller",
            "finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
            "ownerReferences": [{"kind": "Gateway", "name": "gone", "uid": "1"}],
            "labels": {"app.kubernetes.io/name": "ingress-nginx"},
            "annotations": {"metallb.universe.tf/address-pool": "front", "meta.helm.sh/release-name": "ingress-nginx"},
            "managedFields": [{"manager": "helm", "operation": "Update"}],
        },
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.96.7.7",
            "clusterIPs": ["10.96.7.7"],
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 31234,
            "loadBalancerIP": "10.77.0.90",
            "ports": [
                {"name": "http", "port": 80, "nodePort": 30080, "targetPort": "http", "protocol": "TCP"},
                {"name": "https", "port": 443, "nodePort": 30443, "targetPort": "https", "protocol": "TCP"},
            ],
            "selector": {"app.kubernetes.io/component": "controller"},
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "10.77.0.90"}]}},
    })
}

#[test]
fn what_the_server_writes_goes_and_what_decides_how_it_is_reached_stays() {
    let cleaned = cleaned_service(&service(), &["10.77.0.90".into()]).unwrap();
    let wanted = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "ingress-nginx-controller",
            "namespace": "ingress-nginx",
            "labels": {"app.kubernetes.io/name": "ingress-nginx"},
            "annotations": {
                "metallb.universe.tf/address-pool": "front",
                "meta.helm.sh/release-name": "ingress-nginx",
            },
        },
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.96.7.7",
            "clusterIPs": ["10.96.7.7"],
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 31234,
            "loadBalancerIP": "10.77.0.90",
            "ports": [
                {"name": "http", "port": 80, "nodePort": 30080, "targetPort": "http", "protocol": "TCP"},
                {"name": "https", "port": 443, "nodePort": 30443, "targetPort": "https", "protocol": "TCP"},
            ],
            "selector": {"app.kubernetes.io/component": "controller"},
        },
    });
    assert_eq!(cleaned, wanted, "{cleaned:#}");
    let as_it_was = cleaned_service(&service(), &[]).unwrap();
    assert_eq!(as_it_was["spec"]["loadBalancerIP"], "10.77.0.90", "without a wish, the object's own stays");
}

#[test]
fn an_object_of_a_list_has_no_kind_and_gets_one() {
    let mut raw = service();
    raw.as_object_mut().unwrap().retain(|key, _| key != "kind" && key != "apiVersion");
    let cleaned = cleaned_service(&raw, &[]).unwrap();
    assert_eq!((&cleaned["kind"], &cleaned["apiVersion"]), (&json!("Service"), &json!("v1")));
}

#[test]
fn what_can_not_be_created_again_is_refused_by_field() {
    let with = |path: &str, value: Value| {
        let mut raw = service();
        *raw.pointer_mut(path).unwrap() = value;
        cleaned_service(&raw, &[]).unwrap_err().to_string()
    };
    assert_eq!(with("/kind", json!("Secret")), r#"kind is "Secret": expected "Service""#);
    assert!(with("/spec/type", json!("ClusterIP")).contains(r#"spec.type is "ClusterIP""#));
    assert!(with("/spec/ports", json!([])).starts_with("spec.ports is missing"));
    assert!(with("/metadata/name", json!("")).starts_with("metadata.name is missing"));
    assert!(with("/metadata/namespace", json!(null)).starts_with("metadata.namespace is missing"));
    assert!(with("/spec", json!("x")).starts_with("spec is missing"));
    assert!(cleaned_service(&json!([]), &[]).is_err());
}

#[test]
fn a_secret_keeps_its_data_and_loses_kubectls_copy_of_it() {
    let raw = json!({
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": "tls", "namespace": "runai", "uid": "1", "resourceVersion": "2",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"tls.key\":\"a2V5\"}}"},
        },
        "data": {"tls.crt": "Y3J0", "tls.key": "a2V5"},
    });
    let cleaned = cleaned_secret(&raw).unwrap();
    let wanted = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "tls", "namespace": "runai"},
        "data": {"tls.crt": "Y3J0", "tls.key": "a2V5"},
    });
    assert_eq!(cleaned, wanted);
    let empty = json!({"kind": "Secret", "metadata": {"name": "tls", "namespace": "runai"}});
    assert!(cleaned_secret(&empty).unwrap_err().to_string().starts_with("data is missing"));
}

fn ports() -> impl Strategy<Value = Vec<(u16, u16)>> {
    prop::collection::vec((1u16..=u16::MAX, 30000u16..32768), 1..5)
}

proptest! {
    /// Whatever else an object has, its ports, cluster addresses and selectors are those of before, and no field of the server's is left.
    #[test]
    fn ports_addresses_and_selectors_are_kept(
        ports in ports(),
        ip in "10\\.96\\.[0-9]{1,2}\\.[0-9]{1,2}",
        selector in prop::collection::btree_map("[a-z]{1,8}", "[a-z0-9]{0,8}", 0..4),
        annotations in prop::collection::btree_map("[a-z.]{1,10}/[a-zA-Z]{1,10}", "[ -~]{0,12}", 0..4),
        pin in prop::collection::vec("10\\.77\\.0\\.[0-9]{1,2}", 0..3),
    ) {
        let mut raw = service();
        let list: Vec<Value> = ports.iter().map(|(port, node)| json!({"port": port, "nodePort": node})).collect();
        raw["spec"]["ports"] = list.clone().into();
        (raw["spec"]["clusterIP"], raw["spec"]["clusterIPs"]) = (json!(ip), json!([ip]));
        raw["spec"]["selector"] = json!(selector);
        raw["metadata"]["annotations"] = json!(annotations);
        let cleaned = cleaned_service(&raw, &pin).unwrap();
        prop_assert_eq!(&cleaned["spec"]["ports"], &json!(list));
        prop_assert_eq!(&cleaned["spec"]["clusterIP"], &json!(ip));
        prop_assert_eq!(&cleaned["spec"]["clusterIPs"], &json!([ip]));
        prop_assert_eq!(&cleaned["spec"]["selector"], &json!(selector));
        prop_assert!(cleaned.get("status").is_none());
        for field in OF_THE_OLD {
            prop_assert!(cleaned["metadata"].get(field).is_none(), "{}", field);
        }
        // Cleaned once more it is the same: a copy that podlift has restored can be restored again.
        prop_assert_eq!(cleaned_service(&cleaned, &pin).unwrap(), cleaned);
    }
}
