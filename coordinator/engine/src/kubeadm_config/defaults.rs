//! All flags that kubeadm 1.31 and 1.32 write from ClusterConfiguration before extraArgs (`phases/controlplane/manifests.go:166-420`).
//! Flags of the node (`--advertise-address`, `--secure-port`) are not in ClusterConfiguration, and so not here.

use super::{ClusterConfiguration, Renderer};
use podlift_model::op::Component;
use serde_json::Value;

const KUBELET_ADDRESSES: &str = "InternalIP,ExternalIP,Hostname";

/// Flags of a component that kubeadm takes from the node and not from ClusterConfiguration.
pub const NODES_OWN: &[&str] = &["advertise-address", "secure-port"];

/// Volumes that kubeadm itself puts into its manifests (`phases/controlplane/volumes.go`).
pub const VOLUMES: &[&str] = &[
    "ca-certs",
    "etc-ca-certificates",
    "etc-pki",
    "etc-pki-ca-trust",
    "etc-pki-tls-certs",
    "flexvolume-dir",
    "k8s-certs",
    "kubeconfig",
    "usr-local-share-ca-certificates",
    "usr-share-ca-certificates",
];

type Flags = Vec<(&'static str, String)>;

impl ClusterConfiguration {
    /// Name and value of each flag. extraArgs are ignored, except where they decide a default.
    pub(super) fn defaults(&self, component: Component, by: Renderer) -> Flags {
        match component {
            Component::KubeApiserver => self.api_server(by),
            Component::KubeControllerManager => self.controller_manager(),
            Component::KubeScheduler => kubeconfig_flags("scheduler"),
        }
    }

    fn api_server(&self, by: Renderer) -> Flags {
        let pki = |file: &str| self.pki(file);
        let mut out: Flags = vec![
            ("allow-privileged", "true".into()),
            ("client-ca-file", pki("ca.crt")),
            ("enable-admission-plugins", "NodeRestriction".into()),
            ("enable-bootstrap-token-auth", "true".into()),
            ("etcd-servers", self.etcd_servers(by)),
            ("kubelet-client-certificate", pki("apiserver-kubelet-client.crt")),
            ("kubelet-client-key", pki("apiserver-kubelet-client.key")),
            ("kubelet-preferred-address-types", KUBELET_ADDRESSES.into()),
            ("proxy-client-cert-file", pki("front-proxy-client.crt")),
            ("proxy-client-key-file", pki("front-proxy-client.key")),
            ("requestheader-allowed-names", "front-proxy-client".into()),
            ("requestheader-client-ca-file", pki("front-proxy-ca.crt")),
            ("requestheader-extra-headers-prefix", "X-Remote-Extra-".into()),
            ("requestheader-group-headers", "X-Remote-Group".into()),
            ("requestheader-username-headers", "X-Remote-User".into()),
            ("service-account-issuer", format!("https://kubernetes.default.svc.{}", self.dns_domain())),
            ("service-account-key-file", pki("sa.pub")),
            ("service-account-signing-key-file", pki("sa.key")),
            ("service-cluster-ip-range", self.service_subnet()),
            ("tls-cert-file", pki("apiserver.crt")),
            ("tls-private-key-file", pki("apiserver.key")),
        ];
        out.extend(self.etcd_files());
        let extra = self.extra_args(Component::KubeApiserver);
        if !extra.iter().any(|(name, _)| name == "authorization-config") {
            out.push(("authorization-mode", "Node,RBAC".into()));
        }
        out
    }

    fn etcd_files(&self) -> Flags {
        let Some(external) = self.external_etcd() else {
            return vec![
                ("etcd-cafile", self.pki("etcd/ca.crt")),
                ("etcd-certfile", self.pki("apiserver-etcd-client.crt")),
                ("etcd-keyfile", self.pki("apiserver-etcd-client.key")),
            ];
        };
        let text = |key: &str| external.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let (ca, cert, key) = (text("caFile"), text("certFile"), text("keyFile"));
        let mut out = Flags::new();
        if !ca.is_empty() {
            out.push(("etcd-cafile", ca));
        }
        if !cert.is_empty() && !key.is_empty() {
            out.extend([("etcd-certfile", cert), ("etcd-keyfile", key)]);
        }
        out
    }

    fn controller_manager(&self) -> Flags {
        let pki = |file: &str| self.pki(file);
        let mut out = kubeconfig_flags("controller-manager");
        out.extend([
            ("client-ca-file", pki("ca.crt")),
            ("cluster-name", self.text("clusterName").unwrap_or("kubernetes").into()),
            ("cluster-signing-cert-file", pki("ca.crt")),
            ("cluster-signing-key-file", pki("ca.key")),
            ("controllers", "*,bootstrapsigner,tokencleaner".into()),
            ("requestheader-client-ca-file", pki("front-proxy-ca.crt")),
            ("root-ca-file", pki("ca.crt")),
            ("service-account-private-key-file", pki("sa.key")),
            ("use-service-account-credentials", "true".into()),
        ]);
        if let Some(pods) = self.networking("podSubnet") {
            out.extend([
                ("allocate-node-cidrs", "true".into()),
                ("cluster-cidr", pods.into()),
                ("service-cluster-ip-range", self.service_subnet()),
            ]);
        }
        out
    }

    pub(super) fn pki(&self, file: &str) -> String {
        format!("{}/{file}", self.text("certificatesDir").unwrap_or("/etc/kubernetes/pki"))
    }

    fn dns_domain(&self) -> &str {
        self.networking("dnsDomain").unwrap_or("cluster.local")
    }

    fn service_subnet(&self) -> String {
        self.networking("serviceSubnet").unwrap_or("10.96.0.0/12").into()
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.value.get(key)?.as_str().filter(|t| !t.is_empty())
    }

    fn networking(&self, key: &str) -> Option<&str> {
        self.value.get("networking")?.get(key)?.as_str().filter(|t| !t.is_empty())
    }
}

/// Flags that controller-manager and scheduler have in common.
fn kubeconfig_flags(name: &str) -> Flags {
    let file = format!("/etc/kubernetes/{name}.conf");
    vec![
        ("authentication-kubeconfig", file.clone()),
        ("authorization-kubeconfig", file.clone()),
        ("bind-address", "127.0.0.1".into()),
        ("kubeconfig", file),
        ("leader-elect", "true".into()),
    ]
}
