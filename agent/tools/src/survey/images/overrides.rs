//! Names of images that ClusterConfiguration sets apart from its `imageRepository`: those of CoreDNS and of a stacked etcd. `kubeadm config
//! images list` can't know them, because it reads no cluster. Pure.

use crate::yaml;
use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overrides {
    dns: Image,
    etcd: Etcd,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Etcd {
    local: Image,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Image {
    image_repository: String,
    image_tag: String,
}

impl Overrides {
    pub fn read(cluster_configuration: &str) -> Result<Self, String> {
        yaml::first(cluster_configuration)
    }

    /// The name that kubeadm uses for an image of its list.
    pub fn of(&self, image: String) -> String {
        match image.rsplit('/').next().and_then(|name| name.split_once(':')) {
            Some(("coredns", tag)) => self.dns.named(&image, "coredns", tag),
            Some(("etcd", tag)) => self.etcd.local.named(&image, "etcd", tag),
            _ => image,
        }
    }
}

impl Image {
    fn named(&self, listed: &str, name: &str, tag: &str) -> String {
        let tag = if self.image_tag.is_empty() { tag } else { &self.image_tag };
        let folder = match self.image_repository.as_str() {
            "" => listed.rsplit_once('/').map_or("", |(folder, _)| folder),
            // Only kubeadm's own registry has CoreDNS in a folder of its own.
            "registry.k8s.io" if name == "coredns" => "registry.k8s.io/coredns",
            own => own,
        };
        format!("{folder}/{name}:{tag}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DNS: &str = "registry.k8s.io/coredns/coredns:v1.11.3";
    const ETCD: &str = "harbor.local:5000/k8s/etcd:3.5.24-0";

    fn named(configuration: &str) -> [String; 3] {
        let overrides = Overrides::read(configuration).unwrap();
        [DNS, ETCD, "registry.k8s.io/pause:3.10"].map(|image| overrides.of(image.into()))
    }

    #[test]
    fn what_the_cluster_sets_apart() {
        let pause = "registry.k8s.io/pause:3.10";
        assert_eq!(
            named("kind: ClusterConfiguration\ndns: {}\netcd:\n  external:\n    endpoints: []\n"),
            [DNS, ETCD, pause]
        );
        let own = "dns:\n  imageRepository: harbor.local/dns\n  imageTag: v1.12.0\netcd:\n  local:\n    imageTag: 3.5.26-0\n";
        assert_eq!(
            named(own),
            ["harbor.local/dns/coredns:v1.12.0", "harbor.local:5000/k8s/etcd:3.5.26-0", pause]
        );
        assert_eq!(named("dns:\n  imageRepository: registry.k8s.io\n")[0], DNS);
        assert!(Overrides::read("dns: [").is_err());
    }
}
