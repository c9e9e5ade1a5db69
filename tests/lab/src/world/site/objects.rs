//! API objects of what a site runs beside Kubernetes: Calico's operator with its custom resources, the GPU runtime class, an ingress.

use super::super::cast;
use super::super::certificates::Pair;
use super::super::shape::Shape;
use crate::objects::{Key, Objects, seconds};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Of the load balancer in front of the ingress.
pub const INGRESS_PORT: u16 = 8443;
/// Below which the ingress serves.
pub const DOMAIN: &str = "superpod.example";
const TIGERA: &str = "operator.tigera.io";

pub fn objects(all: &mut Objects, shape: &Shape, now: Timestamp) {
    if shape.runbook {
        super::runbook::objects(all, shape, now);
    } else if shape.calico {
        calico(all, now);
    }
    let mut v = cast::object("node.k8s.io/v1", "RuntimeClass", "", "nvidia", json!({}), now);
    v["handler"] = json!("nvidia");
    object(all, "node.k8s.io", "runtimeclasses", v);
}

/// Of the operator's resources.
pub fn definitions(all: &mut Objects, now: Timestamp) {
    for (plural, kind) in [("tigerastatuses", "TigeraStatus"), ("installations", "Installation")] {
        definition(all, &Custom { group: TIGERA, version: "v1", plural, kind, namespaced: false }, now);
    }
}

fn calico(all: &mut Objects, now: Timestamp) {
    definitions(all, now);
    for part in ["apiserver", "calico"] {
        let mut v = cast::object("operator.tigera.io/v1", "TigeraStatus", "", part, json!({}), now);
        let condition = |kind: &str, status: &str, reason: &str| json!({"type": kind, "status": status, "reason": reason, "message": "All objects available", "lastTransitionTime": seconds(now)});
        v["spec"] = json!({});
        v["status"] = json!({"conditions": [condition("Available", "True", "AllObjectsAvailable"),
            condition("Degraded", "False", "NotApplicable"), condition("Progressing", "False", "NotApplicable")]});
        object(all, TIGERA, "tigerastatuses", v);
    }
    installation(all, now);
}

pub fn installation(all: &mut Objects, now: Timestamp) {
    let mut v = cast::object("operator.tigera.io/v1", "Installation", "", "default", json!({}), now);
    // Only the operator itself takes them off.
    v["metadata"]["finalizers"] =
        json!(["tigera.io/operator-cleanup", "operator.tigera.io/installation-controller"]);
    v["spec"] = json!({"variant": "Calico", "calicoNetwork": {"bgp": "Disabled", "ipPools": [{"cidr": "10.88.0.0/16", "encapsulation": "VXLAN"}]}});
    v["status"] = json!({"computed": v["spec"], "variant": "Calico"});
    object(all, TIGERA, "installations", v);
}

/// By its own namespace and name.
pub fn object(all: &mut Objects, group: &str, resource: &str, v: Value) {
    let text = |n: &str| v["metadata"][n].as_str().unwrap_or_default().to_string();
    let key = Key::new(group, resource, &text("namespace"), &text("name"));
    all.put(key, v);
}

/// A resource that the API serves as long as its definition is there.
pub struct Custom {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
}

pub fn definition(all: &mut Objects, of: &Custom, now: Timestamp) {
    let Custom { group, version, plural, kind, namespaced } = *of;
    let scope = if namespaced { "Namespaced" } else { "Cluster" };
    let name = format!("{plural}.{group}");
    let mut v =
        cast::object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", &name, json!({}), now);
    let names = json!({"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()});
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    v["spec"] = json!({"group": group, "names": names, "scope": scope, "conversion": {"strategy": "None"},
        "versions": [{"name": version, "served": true, "storage": true, "schema": schema}]});
    v["status"] = json!({"acceptedNames": names, "storedVersions": [version],
        "conditions": [{"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "the initial names have been accepted",
            "lastTransitionTime": seconds(now)}]});
    object(all, "apiextensions.k8s.io", "customresourcedefinitions", v);
}

/// Run:ai's ingress at an address that serves this certificate, and the secrets that hold it.
pub fn ingress(all: &mut Objects, shape: &Shape, domain: &str, served: &Pair, now: Timestamp) {
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let data = json!({"tls.crt": encoded(&served.certificate), "tls.key": encoded(&served.key)});
    for (namespace, name) in [("runai", "runai-backend-tls"), ("ingress-nginx", "ingress-server-default-tls")]
    {
        let mut v = cast::object("v1", "Secret", namespace, name, json!({}), now);
        (v["type"], v["data"]) = (json!("kubernetes.io/tls"), data.clone());
        object(all, "", "secrets", v);
    }
    let host = format!("runai.{domain}");
    let mut v =
        cast::object("networking.k8s.io/v1", "Ingress", "runai", "runai-backend-ingress", json!({}), now);
    let backend = json!({"service": {"name": "runai-backend", "port": {"number": 8080}}});
    v["metadata"]["generation"] = json!(1);
    v["spec"] = json!({"ingressClassName": "nginx", "tls": [{"hosts": [host], "secretName": "runai-backend-tls"}],
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]});
    v["status"] = json!({"loadBalancer": {"ingress": [{"ip": shape.ingress_address()}]}});
    object(all, "networking.k8s.io", "ingresses", v);
}
