//! Takes away what a fleet is made of: processes, control groups, nspawn's own marks, folders. Whatever is gone already is no error.

use crate::cgroup::Cgroup;
use crate::scratch::{LOCK, PREFIX};
use nix::mount::{MntFlags, umount2};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Killed processes are gone within milliseconds; more is a kernel in trouble.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the other end of our stdin is closed, then takes everything away.
pub fn until_alone(scratch: &Path) {
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).ok();
    end(scratch);
}

/// Ends the fleet of that folder.
pub fn end(scratch: &Path) {
    let Some(name) = scratch.file_name().and_then(|n| n.to_str()).filter(|n| n.starts_with(PREFIX)) else {
        return;
    };
    let groups = Cgroup::find(name);
    let since = Instant::now();
    // A process that forks while it is killed is met by the next round.
    while groups.iter().fold(false, |left, g| !g.kill() | left) && since.elapsed() < LIMIT {
        std::thread::sleep(Duration::from_millis(10));
    }
    groups.iter().for_each(Cgroup::remove);
    unmount(scratch);
    nspawn_marks(name).iter().for_each(|dir| drop(std::fs::remove_dir_all(dir)));
    std::fs::remove_dir_all(scratch).ok();
}

/// What this process sees mounted below a folder, the last first.
fn unmount(scratch: &Path) {
    let text = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let at = text.lines().filter_map(|l| l.split(' ').nth(1)).map(PathBuf::from);
    let mut ours: Vec<PathBuf> = at.filter(|p| p.starts_with(scratch)).collect();
    ours.reverse();
    ours.iter().for_each(|p| umount2(p, MntFlags::MNT_DETACH).unwrap_or_default());
}

/// Folders that nspawn keeps for machines of this fleet.
fn nspawn_marks(name: &str) -> Vec<PathBuf> {
    let dirs = ["/run/systemd/nspawn/propagate", "/run/systemd/nspawn/unix-export"];
    let entries = dirs.iter().filter_map(|d| std::fs::read_dir(d).ok()).flatten().flatten();
    let short = name.trim_start_matches(PREFIX);
    entries.filter(|e| e.file_name().to_string_lossy().starts_with(short)).map(|e| e.path()).collect()
}

/// Ends fleets whose owners were killed together with their reapers.
pub fn sweep(base: &Path) {
    for dir in folders(base) {
        let ownerless = match File::open(dir.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Half of it is gone already, or it is being made just now.
            Err(_) => age(&dir) > Duration::from_secs(60),
        };
        if ownerless {
            end(&dir);
        }
    }
}

fn age(dir: &Path) -> Duration {
    let changed = std::fs::metadata(dir).and_then(|m| m.modified()).ok();
    changed.and_then(|t| t.elapsed().ok()).unwrap_or_default()
}

/// What is left on this machine of any fleet: for people and for the test command.
pub fn left(base: &Path) -> Vec<String> {
    let mut all: Vec<String> = folders(base).iter().map(|d| format!("folder {}", d.display())).collect();
    all.extend(Cgroup::find(PREFIX).iter().map(|g| format!("control group {g:?}")));
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    all.extend(mounts.lines().filter(|l| l.contains(PREFIX)).map(|l| format!("mount {l}")));
    let links = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let links = links.map(|e| e.file_name().to_string_lossy().into_owned());
    all.extend(links.filter(|l| l == crate::network::BRIDGE).map(|l| format!("network link {l}")));
    all.extend(processes().into_iter().map(|p| format!("process {p}")));
    all
}

fn folders(base: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX)).map(|e| e.path()).collect()
}

/// Command lines of processes that belong to a fleet.
fn processes() -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.map(|e| e.path()).filter(|p| !p.ends_with(&own));
    let lines = pids.filter_map(|p| std::fs::read(p.join("cmdline")).ok());
    let lines = lines.map(|l| String::from_utf8_lossy(&l).replace('\0', " "));
    lines.filter(|l| l.contains(PREFIX)).collect()
}
