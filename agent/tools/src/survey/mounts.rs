//! Mounts on which work may depend: network filesystems, and separate local filesystems. Mounts of pods and of the runtime are left out
//! because they come and go with these, and those of automount because they come and go with their use.

use super::mountinfo::Mount;
use std::collections::BTreeMap;

const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "lustre",
    "gpfs",
    "beegfs",
    "beegfs_nodev",
    "cifs",
    "smb3",
    "ceph",
    "wekafs",
    "glusterfs",
    "9p",
    "orangefs",
    "afs",
];
/// Folders with mounts on which no work depends.
const OTHERS: &[&str] =
    &["/var/lib/kubelet", "/var/lib/containerd", "/run", "/boot", "/snap", "/proc", "/sys", "/dev"];

pub fn of(table: &[Mount]) -> BTreeMap<String, String> {
    let matters = table.iter().filter(|m| (network(&m.kind) || own(m)) && !elsewhere(&m.point));
    let stays = matters.filter(|m| !automatic(table, m));
    stays.map(|m| (m.point.clone(), m.source.clone())).collect()
}

fn network(kind: &str) -> bool {
    NETWORK.contains(&kind) || (kind.starts_with("fuse.") && kind != "fuse.lxcfs" && kind != "fuse.snapfuse")
}

/// Whether it is a filesystem of a device, and not the root.
fn own(mount: &Mount) -> bool {
    mount.source.starts_with("/dev/") && !mount.source.starts_with("/dev/loop") && mount.point != "/"
}

fn elsewhere(point: &str) -> bool {
    OTHERS
        .iter()
        .any(|dir| point == *dir || point.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
}

fn automatic(table: &[Mount], mount: &Mount) -> bool {
    table.iter().any(|parent| parent.id == mount.parent && parent.kind == "autofs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(id: u32, parent: u32, point: &str, kind: &str, source: &str) -> Mount {
        Mount { id, parent, point: point.into(), kind: kind.into(), source: source.into(), read_only: false }
    }

    #[test]
    fn what_work_depends_on_and_nothing_that_comes_and_goes() {
        let table = [
            mount(1, 0, "/", "ext4", "/dev/sda1"),
            mount(2, 1, "/raid", "xfs", "/dev/md1"),
            mount(3, 1, "/cm/shared", "nfs", "master:/cm/shared"),
            mount(4, 1, "/lustre", "lustre", "10.1.1.1@o2ib:/fs"),
            mount(5, 1, "/weka", "fuse.weka", "weka"),
            mount(6, 1, "/var/lib/kubelet/pods/x/volumes/y", "nfs4", "nas:/pvc"),
            mount(7, 1, "/run/netns", "tmpfs", "tmpfs"),
            mount(8, 1, "/boot/efi", "vfat", "/dev/sda2"),
            mount(9, 1, "/home", "autofs", "/etc/auto.home"),
            mount(10, 9, "/home/ada", "nfs4", "nas:/home/ada"),
            mount(11, 1, "/snap/core", "squashfs", "/dev/loop3"),
            mount(12, 1, "/var/lib/kubelets", "ext4", "/dev/sdb1"),
            mount(13, 1, "/tmp", "tmpfs", "tmpfs"),
        ];
        let found = of(&table);
        let points: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(points, ["/cm/shared", "/lustre", "/raid", "/var/lib/kubelets", "/weka"]);
        assert_eq!(found["/raid"], "/dev/md1");
    }
}
