//! The effective exclude lists of a device: the category's defaults, then snippets of roles and applications on top.

use super::super::state::Role;
use super::super::state::State;

/// Of both lists, in the category's defaults.
const BOTH: &[&str] = &[
    "/data/*",
    "/home/*",
    "/local/*",
    "/scratch/*",
    "/tmp/*",
    "/var/tmp/*",
    "/var/log/*",
    "no-new-files: - /cm/shared/*",
    "no-new-files: - /proc/*",
    "no-new-files: - /sys/*",
    "no-new-files: - /boot/efi",
    "no-new-files: - /var/lib/sss/*",
    "/run/*",
    "/var/run",
    "/var/lock",
    "/dev/*",
];
const UPDATE: &[&str] = &[
    "/mnt/*",
    "/media/*",
    "/var/spool/*",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/fstab",
    "/etc/resolv.conf",
    "/etc/exports",
    "/etc/network/interfaces.d/*",
    "/cm/local/apps/cmd/etc/*",
    "/root/.ssh/known_hosts",
    "/root/.bash_history",
];
/// The node installer makes the files of a node's own name and network again.
const SYNC: &[&str] =
    &["/var/spool/mail/*", "/var/spool/postfix/*", "/etc/hosts", "/etc/hostname", "/etc/fstab"];

/// As cm-kubernetes-setup's configuration has them.
const NETWORK: &[&str] = &["/etc/cni", "/opt/cni", "/run/calico", "/var/lib/calico", "/var/lib/containerd"];
const KUBERNETES: &[&str] = &["/etc/kubernetes", "/var/lib/kubelet", "/etc/containerd"];
const OWN: &[&str] = &["/etc/machine-id", "/etc/podlift/*", "/var/lib/podlift/*"];

impl State {
    /// The lines of `excludelist get MODE /`; empty for a mode that has none, which is `full`.
    pub fn excludes(&self, device: &str, mode: &str) -> Vec<String> {
        let own = match mode {
            "update" | "grab" | "grabnew" => UPDATE,
            "sync" => SYNC,
            _ => return vec![],
        };
        let b = &self.bcm.switches;
        let none: &[&str] = &[];
        let when = |on: bool, list: &'static [&'static str]| if on { list } else { none };
        let in_cluster = self.nodes.get(device);
        let control = in_cluster.is_some_and(|n| n.role == Role::ControlPlane);
        let etcd: &[&str] = &["/var/lib/etcd"];
        let covered = b.kubernetes_covered && !(b.sync_uncovered && mode == "sync");
        let lists = [
            BOTH,
            own,
            when(in_cluster.is_some(), NETWORK),
            when(in_cluster.is_some() && covered, KUBERNETES),
            if control && covered { etcd } else { none },
            when(b.own_covered, OWN),
        ];
        let all = lists.iter().flat_map(|list| list.iter().map(ToString::to_string));
        all.chain(b.more_excludes.get(device).into_iter().flatten().cloned()).collect()
    }
}
