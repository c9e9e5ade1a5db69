//! Mounts below an image, and processes with their root or folder in it. Whoever removes or copies an image with mounts in it reaches the
//! head node's own /dev, /proc and /sys.

use crate::survey::mountinfo;
use podlift_host::Host;
use podlift_model::Failure;
use std::path::Path;

/// What is in the image: `mount /cm/images/x/proc`, `process 812 (dpkg)`. Mounts first, the last one first.
pub fn look(host: &Host, path: &str) -> Result<Vec<String>, Failure> {
    let mounts = mounts(host, path)?.into_iter().map(|point| format!("mount {point}"));
    Ok(mounts.chain(processes(host, path)?).collect())
}

/// Its processes: `process 812 (dpkg)`.
pub fn processes(host: &Host, path: &str) -> Result<Vec<String>, Failure> {
    let unseen = |e: std::io::Error| {
        let message = format!("what is in {path} can't be known: processes: {e}; look at the head node");
        Failure::transient("inside-unknown", message)
    };
    let processes = host.processes.within(Path::new(path)).map_err(unseen)?;
    Ok(processes.into_iter().map(|(pid, command)| format!("process {pid} ({command})")).collect())
}

/// Points below the image in the order in which they can be unmounted: the last one first, as the kernel lists them in the order of their
/// mounting. By depth alone, a mount over the parent of an older one would hide that one.
pub fn mounts(host: &Host, path: &str) -> Result<Vec<String>, Failure> {
    let text = host.files.read(Path::new(mountinfo::INIT)).map_err(|e| {
        let message = format!("{}: {e}; without it the mounts in {path} can't be known", mountinfo::INIT);
        Failure::transient("inside-unknown", message)
    })?;
    let root = Path::new(path);
    let table = mountinfo::table(&String::from_utf8_lossy(&text));
    let below = |point: &String| point != path && Path::new(point).starts_with(root);
    Ok(table.into_iter().rev().map(|mount| mount.point).filter(below).collect())
}

/// The failure for an image in which something is left.
pub fn left(path: &str, inside: &[String]) -> Failure {
    let message = format!(
        "in {path} there is {}; end the processes (kill PID), then unmount in this order (umount MOUNT), then podlift retry",
        inside.join(", ")
    );
    Failure::operator(podlift_model::codes::BCM_IMAGE_IN_USE, message)
}
