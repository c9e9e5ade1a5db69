//! Open files of all processes, by the links in /proc/PID/fd. A link shows the path that the process itself opened, in its own mounts, so
//! that `/dev/nvidia0` of a container is seen as such. Reading links of other users' processes needs CAP_SYS_PTRACE.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc of this machine

use super::{Holder, Holders};
use crate::real::writers::process;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Processes that have a file open whose path begins with one of `devices`.
pub fn holders(proc: &Path, devices: &[PathBuf]) -> Holders {
    let mut all = Holders::default();
    let pids = match pids(proc) {
        Ok(pids) => pids,
        Err(e) => return Holders { unseen: Some(format!("{}: {e}", proc.display())), ..all },
    };
    for pid in pids {
        match open_devices(&proc.join(pid.to_string()).join("fd"), devices) {
            Ok(devices) if devices.is_empty() => {}
            Ok(devices) => all.found.push(holder(proc, pid, devices)),
            Err(e) if has_ended(&e) => {}
            Err(_) if all.unseen.is_some() => {}
            Err(e) => {
                all.unseen = Some(format!("the open files of pid {pid} ({}): {e}", command(proc, pid)));
            }
        }
    }
    all
}

fn pids(proc: &Path) -> io::Result<Vec<u32>> {
    let entries = fs::read_dir(proc)?.filter_map(Result::ok);
    let mut pids: Vec<u32> = entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

fn open_devices(fds: &Path, devices: &[PathBuf]) -> io::Result<BTreeSet<String>> {
    let mut open = BTreeSet::new();
    for entry in fs::read_dir(fds)? {
        let link = match entry.and_then(|entry| fs::read_link(entry.path())) {
            Ok(link) => link.to_string_lossy().into_owned(),
            // The file was closed meanwhile.
            Err(e) if has_ended(&e) => continue,
            Err(e) => return Err(e),
        };
        if devices.iter().any(|d| d.to_str().is_some_and(|d| link.starts_with(d))) {
            open.insert(link);
        }
    }
    Ok(open)
}

fn has_ended(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(Errno::ESRCH as i32)
}

fn command(proc: &Path, pid: u32) -> String {
    process::command_below(proc, pid).unwrap_or_else(|| "ended meanwhile".into())
}

fn holder(proc: &Path, pid: u32, devices: BTreeSet<String>) -> Holder {
    let cgroup = fs::read(proc.join(pid.to_string()).join("cgroup")).unwrap_or_default();
    let cgroup = String::from_utf8_lossy(&cgroup).into_owned();
    Holder { pid, command: command(proc, pid), cgroup, devices }
}
