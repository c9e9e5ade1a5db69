//! Exact versions of packages.

use podlift_model::PackageVersion;
use podlift_model::op::{Package, PackagePin};
use std::collections::BTreeMap;

/// A package without a version is left out: the check of the repositories has blocked the plan then.
pub fn pins(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Vec<PackagePin> {
    let pin = |p: &Package| Some(PackagePin { package: *p, version: versions.get(p)?.clone() });
    packages.iter().filter_map(pin).collect()
}

/// `kubeadm-kubelet`.
pub fn names(packages: &[Package]) -> String {
    packages.iter().map(Package::name).collect::<Vec<_>>().join("-")
}

/// For samples.
pub fn version() -> BTreeMap<Package, PackageVersion> {
    let kube = podlift_model::KubeVersion::new(1, 32, 9);
    let version = PackageVersion { kube, revision: "1.1".into() };
    Package::ALL.iter().map(|p| (*p, version.clone())).collect()
}
