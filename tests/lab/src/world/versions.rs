//! What the package repositories and image registries offer.

use super::shape::Shape;
use podlift_model::KubeVersion;

/// Packages of a repository minor, newest version first: (package, version, kilobytes).
pub fn offered(shape: &Shape, minor: u16) -> Vec<(String, String, u64)> {
    let Some((_, newest)) = shape.newest.iter().find(|(m, _)| *m == minor) else { return vec![] };
    let mut all = vec![];
    for (package, size) in [("kubeadm", 12_200), ("kubelet", 15_200), ("kubectl", 11_250)] {
        for patch in (0..=*newest).rev() {
            all.push((package.to_string(), format!("1.{minor}.{patch}-1.1"), size));
        }
    }
    all.push(("cri-tools".into(), format!("1.{minor}.0-1.1"), 16_000));
    all.push(("kubernetes-cni".into(), format!("1.{}.0-1.1", minor - 26), 33_000));
    all
}

/// Images of the three static pods and of what runs beside them, as `kubeadm config images list` prints them.
pub fn images(version: KubeVersion) -> Vec<String> {
    let core = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];
    let mut all: Vec<String> = core.iter().map(|c| format!("registry.k8s.io/{c}:{version}")).collect();
    all.push("registry.k8s.io/coredns/coredns:v1.11.3".into());
    all.push("registry.k8s.io/pause:3.10".into());
    all.push(format!("registry.k8s.io/etcd:3.5.{}-0", if version.patch >= 10 { 24 } else { 16 }));
    all
}

/// The version in an image's tag.
pub fn of_image(image: &str) -> Option<KubeVersion> {
    image.rsplit_once(':')?.1.parse().ok()
}
