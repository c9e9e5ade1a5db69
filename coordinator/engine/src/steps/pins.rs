//! Exact versions of packages.

use podlift_model::PackageVersion;
use podlift_model::op::{Package, PackagePin};
use std::collections::BTreeMap;

/// Pins of the packages. A package without a version is omitted; in that case the check of the repositories has already blocked the plan.
pub fn pins(packages: &[Package], versions: &BTreeMap<Package, PackageVersion>) -> Vec<PackagePin> {
    let pin = |p: &Package| Some(PackagePin { package: *p, version: versions.get(p)?.clone() });
    packages.iter().filter_map(pin).collect()
}

/// Names joined by `-`: `kubeadm-kubelet`.
pub fn names(packages: &[Package]) -> String {
    packages.iter().map(Package::name).collect::<Vec<_>>().join("-")
}

/// Versions for samples.
pub fn version() -> BTreeMap<Package, PackageVersion> {
    let kube = podlift_model::KubeVersion::new(1, 32, 9);
    let version = PackageVersion { kube, revision: "1.1".into() };
    Package::ALL.iter().map(|p| (*p, version.clone())).collect()
}
