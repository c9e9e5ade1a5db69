//! The closed list of places of this node.

use super::place::Place;
use super::{etcd, named};
use crate::node::Node;
use podlift_host::paths;

const KUBERNETES: &str = "/etc/kubernetes";
const PKI: &str = "/etc/kubernetes/pki";
const UNITS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

pub fn of(node: &Node) -> Vec<Place> {
    let mut all = vec![
        Place::folder(paths::MANIFESTS, 1, &[], false),
        Place::folder(KUBERNETES, 1, &[".conf"], true),
        Place::folder(format!("{PKI}/{}", node.config.cluster), 3, &[], true),
        Place::file(paths::KUBELET_CONFIG, false),
        Place::file("/var/lib/kubelet/kubeadm-flags.env", false),
        Place::folder("/var/lib/kubelet/pki", 1, &[], true),
        Place::file("/etc/default/kubelet", false),
        // Files that the run's own ops have stored: manifests and the snapshot.
        Place::folder(paths::BACKUP, 2, &[], false),
    ];
    all.extend(units("kubelet"));
    all.extend(units("etcd"));
    all.extend(etcd::configuration(node));
    let named = named::of(node);
    // kubeadm's own folder, if no manifest names another.
    let folder = named.certificates.unwrap_or_else(|| PKI.into());
    all.push(Place::folder(folder, 3, &[], true));
    all.extend(named.files.into_iter().map(|path| Place::file(path, true)));
    all
}

/// A unit file with its drop-ins.
fn units(name: &str) -> Vec<Place> {
    let of = |dir: &str| {
        let unit = format!("{dir}/{name}.service");
        [Place::folder(format!("{unit}.d"), 1, &[".conf"], false), Place::file(unit, false)]
    };
    UNITS.iter().flat_map(|dir| of(dir)).collect()
}
