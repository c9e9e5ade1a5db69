//! BCM's tools on the head node, in the package that a head node has them from. All but one ask the lab; `cm-chroot-sw-img` enters the image.

use crate::deb::Deb;
use crate::machine::SHARED;

/// Where a head node has them.
const BIN: &str = "/cm/local/apps/cmd/bin";
const TOOLS: [(&str, &str); 4] = [
    (BIN, "cmsh"),
    ("/cm/local/apps/cmd/sbin", "cmha"),
    ("/cm/local/apps/cm-setup/bin", "cm-kubernetes-setup"),
    ("/cm/local/apps/cmd/scripts", "cm-kubeadm-manage"),
];
const VERSION: &str = "11.0-165270-cm11.0-a1b2c3";

pub fn package() -> Deb {
    let tool = |name: &str| format!("#!/bin/sh\nexec {SHARED}/machine-tool {name} v11.0.0 \"$@\"\n");
    let deb = Deb::new("cm-setup", VERSION).file(&format!("{BIN}/cm-chroot-sw-img"), CHROOT, 0o755);
    TOOLS.iter().fold(deb, |deb, (dir, name)| deb.file(&format!("{dir}/{name}"), tool(name), 0o755))
}

/// Mounts, a command, and the mounts away again: its exit code is the command's. A session that is killed leaves its mounts.
const CHROOT: &str = r#"#!/bin/bash
image=${1%/}; shift
[ -d "$image/var/lib/dpkg" ] || { echo "Image directory $image does not exist" >&2; exit 1; }
points=(dev dev/pts proc sys run)
for point in "${points[@]}"; do
  if mountpoint -q "$image/$point"; then echo "$image/$point already mounted"; continue; fi
  case $point in
    run) mount -t tmpfs -o mode=755 tmpfs "$image/run" ;;
    *) mount --bind "/$point" "$image/$point" ;;
  esac || exit 1
done
echo "mounted /dev, /dev/pts, /proc, /sys, /run"
chroot "$image" "$@"
code=$?
for ((i = ${#points[@]} - 1; i >= 0; i--)); do umount "$image/${points[i]}"; done
echo "unmounted /dev, /dev/pts, /proc, /sys, /run"
exit $code
"#;
