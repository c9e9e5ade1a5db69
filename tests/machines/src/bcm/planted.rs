//! Files that show whether the exclude lists were applied: some on a machine, some in an image.

use crate::layer::write;
use crate::machine::Machine;
use std::path::Path;

const TEXT: &str = "planted\n";
/// On the machine, below what a list keeps.
const KEPT: [&str; 5] = [
    "/etc/kubernetes/planted.conf",
    "/var/lib/kubelet/planted",
    "/etc/containerd/planted.toml",
    "/var/lib/containerd/planted",
    "/local/planted",
];
/// On the machine, and kept by nothing.
const GONE: [&str; 3] = ["/opt/planted", "/etc/planted.conf", "/usr/local/bin/planted"];
/// In the image: it comes, although it lies below what is kept on a node.
const COMES: &str = "/scratch/planted";
/// In the image: `no-new-files` keeps it out.
const STAYS: &str = "/boot/efi/planted";

/// The machine is not booted yet.
pub fn plant(machine: &Machine) -> anyhow::Result<()> {
    KEPT.iter().chain(&GONE).try_for_each(|path| machine.write(path, TEXT, 0o644))
}

pub(super) fn in_image(root: &Path) -> anyhow::Result<()> {
    [COMES, STAYS].iter().try_for_each(|path| write(&root.join(path.trim_start_matches('/')), TEXT, 0o644))
}

/// What is not as it has to be after an update.
pub(super) fn complaints(machine: &Machine) -> Vec<String> {
    let name = &machine.name;
    let there = |path: &str| machine.text(path) == TEXT;
    let lost = KEPT.iter().chain([&COMES]).filter(|p| !there(p));
    let left = GONE.iter().chain([&STAYS]).filter(|p| machine.path(p).exists());
    let lost = lost.map(|path| format!("{name}: {path} is not there"));
    lost.chain(left.map(|path| format!("{name}: {path} is there"))).collect()
}
