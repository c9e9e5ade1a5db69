//! Which key of ClusterConfiguration renders a flag: what a person has to look at where a flag would change.

use super::{ClusterConfiguration, section};
use podlift_model::op::Component;

impl ClusterConfiguration {
    /// Where kubeadm takes the flag from; None: nothing in kubeadm-config makes kubeadm write it.
    pub fn origin(&self, component: Component, flag: &str) -> Option<String> {
        let section = section(component);
        if self.extra_args(component).iter().any(|(name, _)| name == flag) {
            return Some(format!("kubeadm-config {section}.extraArgs.{flag}"));
        }
        if !self.defaults(component).iter().any(|(name, _)| *name == flag) {
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
