//! Holders of the locks of apt and dpkg. apt waits for dpkg's locks by itself, but not for its own two. This module only reads.

use podlift_host::Host;
use std::path::Path;

pub const LISTS: &str = "/var/lib/apt/lists/lock";
pub const ARCHIVES: &str = "/var/cache/apt/archives/lock";
pub const FRONTEND: &str = "/var/lib/dpkg/lock-frontend";
pub const DPKG: &str = "/var/lib/dpkg/lock";

/// Describes the holder of one of these locks, for people. `None` if they are free or the holder can't be known.
pub fn holder(host: &Host, locks: &[&str]) -> Option<String> {
    locks.iter().find_map(|lock| {
        let pid = host.files.lock_holder(Path::new(lock)).ok().flatten()?;
        Some(format!("{lock} is held by {}", who(host, pid)))
    })
}

/// For example `process 6296 (unattended-upgr: /usr/bin/python3 /usr/bin/unattended-upgrade)`.
fn who(host: &Host, pid: u32) -> String {
    let read = |name: &str| {
        let bytes = host.files.read(Path::new(&format!("/proc/{pid}/{name}"))).unwrap_or_default();
        let text: String = String::from_utf8_lossy(&bytes).replace('\0', " ");
        text.trim().chars().take(120).collect::<String>()
    };
    match (pid, read("comm"), read("cmdline")) {
        (0, ..) => "a process outside of this machine".into(),
        (_, comm, _) if comm.is_empty() => format!("process {pid}"),
        (_, comm, line) if line.is_empty() => format!("process {pid} ({comm})"),
        (_, comm, line) => format!("process {pid} ({comm}: {line})"),
    }
}
