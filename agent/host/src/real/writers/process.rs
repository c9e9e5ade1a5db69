//! A process as /proc shows it right after its write.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc of this machine

use crate::Process;
use std::fs;
use std::path::Path;

/// Maximum of characters of a command line; a longer one says no more.
const LONG: usize = 160;

/// The process; the error says why it can't be identified.
pub fn identify(pid: i32) -> Result<Process, String> {
    if pid == 0 {
        return Err(
            "the kernel does not say who (a process of another pid namespace, or no CAP_SYS_ADMIN)".into()
        );
    }
    let command = command(pid).ok_or_else(|| format!("pid {pid}, which had ended already"))?;
    let unit = read(pid, "cgroup").and_then(|text| unit(&text));
    let parent = read(pid, "status").and_then(|text| parent(&text)).and_then(command_of_parent);
    Ok(Process { pid, command, unit, parent })
}

fn command_of_parent(pid: i32) -> Option<String> {
    (pid > 1).then(|| command(pid)).flatten()
}

const PROC: &str = "/proc";

fn read(pid: i32, what: &str) -> Option<String> {
    read_below(Path::new(PROC), pid.try_into().ok()?, what)
}

fn read_below(proc: &Path, pid: u32, what: &str) -> Option<String> {
    let bytes = fs::read(proc.join(pid.to_string()).join(what)).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn command(pid: i32) -> Option<String> {
    command_below(Path::new(PROC), pid.try_into().ok()?)
}

/// The words of its command line, or its name if it has none because it is ending. `proc` is the folder of processes.
pub fn command_below(proc: &Path, pid: u32) -> Option<String> {
    let words = read_below(proc, pid, "cmdline")?.trim_end_matches('\0').replace('\0', " ");
    let text = if words.is_empty() { read_below(proc, pid, "comm")?.trim().to_string() } else { words };
    Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONG).collect())
}

fn parent(status: &str) -> Option<i32> {
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// The innermost service or scope, for both versions of cgroups.
fn unit(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        (controllers.is_empty() || controllers == "name=systemd").then_some(path)
    });
    let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
    paths.filter_map(|path| path.rsplit('/').find(is_unit)).map(String::from).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_both_cgroup_versions() {
        assert_eq!(unit("0::/system.slice/cron.service\n").as_deref(), Some("cron.service"));
        let v1 = "4:memory:/x.service\n1:name=systemd:/user.slice/user-0.slice/session-3.scope\n";
        assert_eq!(unit(v1).as_deref(), Some("session-3.scope"));
        assert_eq!(unit("0::/\n"), None);
    }

    #[test]
    fn this_process_is_known_and_none_is_not() {
        let own = identify(std::process::id().cast_signed()).unwrap();
        assert!(own.command.contains("podlift_host"), "{own:?}");
        assert!(own.parent.is_some());
        assert!(identify(0).unwrap_err().contains("does not say who"));
        assert!(identify(i32::MAX).unwrap_err().contains("had ended"));
    }
}
