//! What the cluster of the runbook has beside the lab's own: BCM's Calico of manifests, MetalLB with a webhook, an ingress controller from
//! a Helm release, Run:ai with a load balancer of its own, a storage class. All of it runs on the control-plane nodes, which no run drains.

use super::super::certificates;
use super::super::shape::Shape;
use super::deployed::{Deployed, daemon_set, deployment, namespace};
use super::objects::{DOMAIN, object};
use crate::objects::fields::{self, Writer};
use crate::objects::{Key, Objects};
use crate::world::cast;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Last octet of the address of Run:ai's own load balancer.
const RUNAI_HOST: u8 = 249;
/// The Deployments of Run:ai that the runbook restarts, in its order.
pub const RUNAI: &[(&str, &str)] = &[
    ("runai-backend", "runai-backend-backend"),
    ("runai-backend", "runai-backend-frontend"),
    ("runai", "cluster-sync"),
    ("runai", "runai-agent"),
];

pub fn objects(all: &mut Objects, shape: &Shape, now: Timestamp) {
    for name in ["runai-backend", "metallb-system"] {
        namespace(all, name, now);
    }
    calico(all, shape, now);
    metallb(all, shape, now);
    for (namespace, name) in RUNAI {
        let image = format!("gcr.io/run-ai-prod/{name}:2.22.15");
        deployment(all, shape, &Deployed { image: &image, ..Deployed::new(namespace, name) }, now);
    }
    storage(all, now);
    dns(all, now);
    if shape.workers.is_empty() {
        return;
    }
    ingress(all, shape, now);
    let mut service =
        cast::object("v1", "Service", "runai", "runai-loadbalancer", json!({"app": "runai"}), now);
    service["spec"] = balancer("10.96.12.8", 8444, 31444, &json!({"app": "cluster-sync"}));
    announced(&mut service, &runai_address(shape), now);
    object(all, "", "services", service);
}

/// The address that Run:ai's own load balancer has at the beginning.
pub fn runai_address(shape: &Shape) -> String {
    format!("{}.{RUNAI_HOST}", shape.network)
}

fn balancer(cluster_ip: &str, port: u16, node_port: u16, selector: &Value) -> Value {
    json!({"type": "LoadBalancer", "clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
        "externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true, "selector": selector,
        "ports": [{"name": "https", "port": port, "targetPort": "https", "nodePort": node_port, "protocol": "TCP"}]})
}

/// As MetalLB leaves a service to which it has given an address of its pool.
fn announced(v: &mut Value, address: &str, now: Timestamp) {
    v["metadata"]["annotations"]["metallb.io/ip-allocated-from-pool"] = json!("default");
    let before = v.clone();
    v["status"] = json!({"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}});
    fields::updated(&before, v, &Writer::update("controller", Some("status")), now);
}

/// The controller of the release `ingress-nginx`, and the ingress of Run:ai with its secrets.
fn ingress(all: &mut Objects, shape: &Shape, now: Timestamp) {
    let (namespace, name) = ("ingress-nginx", "ingress-nginx-controller");
    let args =
        &["/nginx-ingress-controller", "--default-ssl-certificate=ingress-nginx/ingress-server-default-tls"];
    let image = "registry.k8s.io/ingress-nginx/controller:v1.13.3";
    let helm = json!({"meta.helm.sh/release-name": "ingress-nginx", "meta.helm.sh/release-namespace": "ingress-nginx"});
    let labels = json!({"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "ingress-nginx-4.13.3"});
    let deployed = Deployed { image, count: 2, args, ..Deployed::new(namespace, name) };
    deployment(all, shape, &deployed, now);
    for (group, resource) in [("", "services"), ("apps", "deployments")] {
        let key = Key::new(group, resource, namespace, name);
        all.change(&key, |v| {
            json_patch::merge(&mut v["metadata"], &json!({"labels": labels, "annotations": helm}));
            if resource == "services" {
                v["spec"]["selector"] = json!({"app": name});
                announced(v, &shape.ingress_address(), now);
            }
        });
    }
    super::ingress(all, shape, DOMAIN, &certificates::site_for_years(&format!("*.{DOMAIN}")), now);
}

/// By BCM: one calico-node a node and one controller, with no operator.
fn calico(all: &mut Objects, shape: &Shape, now: Timestamp) {
    daemon_set(all, shape, ("kube-system", "calico-node"), "docker.io/calico/node:v3.30.3", now);
    let image = "docker.io/calico/kube-controllers:v3.30.3";
    let deployed =
        Deployed { image, label: "k8s-app", ..Deployed::new("kube-system", "calico-kube-controllers") };
    deployment(all, shape, &deployed, now);
}

fn metallb(all: &mut Objects, shape: &Shape, now: Timestamp) {
    let (namespace, name) = ("metallb-system", "metallb-controller");
    let deployed = Deployed { image: "quay.io/metallb/controller:v0.15.2", ..Deployed::new(namespace, name) };
    deployment(all, shape, &deployed, now);
    let mut service = cast::object("v1", "Service", namespace, "metallb-webhook-service", json!({}), now);
    service["spec"] = json!({"type": "ClusterIP", "clusterIP": "10.96.12.9", "clusterIPs": ["10.96.12.9"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "selector": {"app": name},
        "ports": [{"port": 443, "targetPort": 9443, "protocol": "TCP"}]});
    service["status"] = json!({"loadBalancer": {}});
    object(all, "", "services", service);
    let api = "admissionregistration.k8s.io/v1";
    let kind = "ValidatingWebhookConfiguration";
    let mut v = cast::object(api, kind, "", "metallb-webhook-configuration", json!({}), now);
    v["metadata"]["generation"] = json!(1);
    v["webhooks"] = json!([{"name": "ipaddresspoolvalidationwebhook.metallb.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10, "namespaceSelector": {}, "objectSelector": {},
        "clientConfig": {"service": {"namespace": namespace, "name": "metallb-webhook-service", "path": "/validate", "port": 443}},
        "rules": [{"apiGroups": ["metallb.io"], "apiVersions": ["v1beta1"], "operations": ["CREATE", "UPDATE"], "resources": ["ipaddresspools"],
            "scope": "*"}]}]);
    object(all, "admissionregistration.k8s.io", "validatingwebhookconfigurations", v);
}

/// The service in front of CoreDNS.
fn dns(all: &mut Objects, now: Timestamp) {
    let labels = json!({"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"});
    let mut v = cast::object("v1", "Service", "kube-system", "kube-dns", labels, now);
    v["spec"] = json!({"type": "ClusterIP", "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "selector": {"k8s-app": "kube-dns"},
        "ports": [{"name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "targetPort": 53, "protocol": "TCP"}]});
    v["status"] = json!({"loadBalancer": {}});
    object(all, "", "services", v);
}

fn storage(all: &mut Objects, now: Timestamp) {
    let mut v = cast::object("storage.k8s.io/v1", "StorageClass", "", "cephfs", json!({}), now);
    v["metadata"]["annotations"] = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    (v["provisioner"], v["reclaimPolicy"]) = (json!("cephfs.csi.ceph.com"), json!("Delete"));
    (v["volumeBindingMode"], v["allowVolumeExpansion"]) = (json!("Immediate"), json!(true));
    object(all, "storage.k8s.io", "storageclasses", v);
}
