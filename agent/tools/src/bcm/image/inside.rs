//! Mounts below an image, and processes with their root or folder in it. Whoever removes or copies an image with mounts in it reaches the
//! head node's own /dev, /proc and /sys.

use crate::survey::mountinfo;
use podlift_host::Host;
use podlift_model::Failure;
use std::path::Path;

/// What is in the image: `mount /cm/images/x/proc`, `process 812 (dpkg)`. Mounts first, the deepest one first.
pub fn look(host: &Host, path: &str) -> Result<Vec<String>, Failure> {
    let mounts = mounts(host, path)?.into_iter().map(|point| format!("mount {point}"));
    let unseen = |what: &str, e: String| {
        Failure::transient(
            "inside-unknown",
            format!("what is in {path} can't be known: {what}: {e}; look at the head node"),
        )
    };
    let processes = host.processes.within(Path::new(path)).map_err(|e| unseen("processes", e.to_string()))?;
    let processes = processes.into_iter().map(|(pid, command)| format!("process {pid} ({command})"));
    Ok(mounts.chain(processes).collect())
}

/// Points below the image, the deepest one first: that is the order in which they can be unmounted.
pub fn mounts(host: &Host, path: &str) -> Result<Vec<String>, Failure> {
    let text = host.files.read(Path::new(mountinfo::INIT)).map_err(|e| {
        let message = format!("{}: {e}; without it the mounts in {path} can't be known", mountinfo::INIT);
        Failure::transient("inside-unknown", message)
    })?;
    let root = Path::new(path);
    let table = mountinfo::table(&String::from_utf8_lossy(&text));
    let below = |point: &String| point != path && Path::new(point).starts_with(root);
    let mut points: Vec<String> = table.into_iter().map(|mount| mount.point).filter(below).collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.matches('/').count()));
    Ok(points)
}

/// The failure for an image in which something is left.
pub fn left(path: &str, inside: &[String]) -> Failure {
    let message = format!(
        "in {path} there is {}; end the process, or unmount it (the deepest mount first: umount MOUNT), then podlift retry",
        inside.join(", ")
    );
    Failure::operator(podlift_model::codes::BCM_IMAGE_IN_USE, message)
}
