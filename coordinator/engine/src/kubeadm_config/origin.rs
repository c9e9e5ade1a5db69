//! The key of ClusterConfiguration that renders a flag, for people to look at if the flag would change.

use super::{ClusterConfiguration, Renderer, section};
use podlift_model::KubeVersion;
use podlift_model::command::normal;
use podlift_model::op::Component;

impl ClusterConfiguration {
    /// The source from which kubeadm takes the flag; `None` if nothing in kubeadm-config makes kubeadm write it.
    pub fn origin(&self, component: Component, flag: &str) -> Option<String> {
        let section = section(component);
        if let Some((name, _)) = self.extra_args(component).iter().find(|(name, _)| normal(name) == flag) {
            return Some(format!("kubeadm-config {section}.extraArgs.{name}"));
        }
        // The set of default flags does not depend on the version or the node.
        let any = Renderer::of(KubeVersion::new(1, 32, 0));
        if !self.defaults(component, any).iter().any(|(name, _)| *name == flag) {
            return None;
        }
        Some(match self.key(flag) {
            Some(key) => format!("kubeadm-config {key}"),
            None => "kubeadm's own default".into(),
        })
    }

    fn key(&self, flag: &str) -> Option<&'static str> {
        let external = self.external_etcd().is_some();
        Some(match flag {
            "etcd-servers" if external => "etcd.external.endpoints",
            "etcd-servers" => "etcd.local",
            "etcd-cafile" if external => "etcd.external.caFile",
            "etcd-certfile" if external => "etcd.external.certFile",
            "etcd-keyfile" if external => "etcd.external.keyFile",
            "service-account-issuer" => "networking.dnsDomain",
            "service-cluster-ip-range" => "networking.serviceSubnet",
            "cluster-cidr" | "allocate-node-cidrs" => "networking.podSubnet",
            "cluster-name" => "clusterName",
            f if f.contains("ca-file") || f.ends_with("cert-file") || f.ends_with("key-file") => {
                "certificatesDir"
            }
            "etcd-cafile" | "etcd-certfile" | "etcd-keyfile" => "certificatesDir",
            "kubelet-client-certificate" | "kubelet-client-key" => "certificatesDir",
            _ => return None,
        })
    }
}
