//! What /proc shows of one process of a container. Only reads.

use podlift_host::Files;
use podlift_model::checkpoint::CheckpointSignal;
use std::path::PathBuf;

fn file(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

fn text(files: &dyn Files, pid: u32, name: &str) -> Option<String> {
    files.read(&file(pid, name)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the process lives in this container: its control group has the container's id, with both drivers and both versions of control
/// groups. Another process that later gets the number has another group.
pub fn is_of_container(files: &dyn Files, pid: u32, container: &str) -> bool {
    !container.is_empty() && text(files, pid, "cgroup").is_some_and(|groups| groups.contains(container))
}

/// Whether the process has a handler for the signal, by the mask `SigCgt` of its status; `None` if that can't be read. Without a handler,
/// the first process of a container ignores the signal, and other processes end by it.
pub fn catches(files: &dyn Files, pid: u32, signal: CheckpointSignal) -> Option<bool> {
    let status = text(files, pid, "status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (signal.number() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::MemFiles;

    const ID: &str = "4f6b0c2d";

    #[test]
    fn a_process_belongs_to_the_container_of_its_group() {
        let cases = [
            ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-4f6b0c2d.scope\n", true),
            ("0::/kubepods/besteffort/pod1/4f6b0c2d\n", true),
            ("12:devices:/kubepods/pod1/4f6b0c2d\n1:name=systemd:/kubepods/pod1/4f6b0c2d\n0::/\n", true),
            ("0::/kubepods/besteffort/pod1/77777777\n", false),
            ("0::/system.slice/sshd.service\n", false),
            ("", false),
        ];
        for (groups, want) in cases {
            let files = MemFiles::default();
            files.put("/proc/7/cgroup", groups.as_bytes());
            assert_eq!(is_of_container(&files, 7, ID), want, "{groups}");
            assert!(!is_of_container(&files, 8, ID), "a process that is gone");
            assert!(!is_of_container(&files, 7, ""), "an id that the runtime did not give");
        }
    }

    /// Masks of a shell without traps (it catches INT and CHLD alone), and of Python with a handler for USR1.
    #[test]
    fn the_mask_of_caught_signals() {
        let cases = [
            (
                "Name:\tpython\nSigIgn:\t0000000001001000\nSigCgt:\t0000000000000202\n",
                CheckpointSignal::Usr1,
                Some(true),
            ),
            ("SigCgt:\t0000000000000202\n", CheckpointSignal::Int, Some(true)),
            ("SigCgt:\t0000000000000202\n", CheckpointSignal::Usr2, Some(false)),
            ("SigCgt:\t0000000000004000\n", CheckpointSignal::Term, Some(true)),
            ("SigCgt:\t0000000000010002\n", CheckpointSignal::Usr1, Some(false)),
            ("SigIgn:\tffffffffffffffff\n", CheckpointSignal::Usr1, None),
            ("SigCgt:\tx\n", CheckpointSignal::Usr1, None),
        ];
        for (status, signal, want) in cases {
            let files = MemFiles::default();
            files.put("/proc/7/status", status.as_bytes());
            assert_eq!(catches(&files, 7, signal), want, "{status}: {signal}");
            assert_eq!(catches(&files, 8, signal), None, "a process that is gone");
        }
    }
}
