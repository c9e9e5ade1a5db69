//! Processes of this machine, by pidfd (Linux 5.3 and newer) and by the links in /proc.
#![allow(clippy::disallowed_methods)] // this is an edge: /proc of this machine

use crate::processes::{OpenProcess, Processes};
use nix::errno::Errno;
use podlift_model::checkpoint::CheckpointSignal;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Processes as the node's own /proc lists them.
pub struct RealProcesses {
    proc: PathBuf,
}

impl RealProcesses {
    pub fn new(root: &Path) -> Self {
        Self { proc: super::below(root, Path::new("/proc")) }
    }
}

struct Opened(OwnedFd);

impl Processes for RealProcesses {
    fn open(&self, pid: u32) -> io::Result<Box<dyn OpenProcess>> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{pid} is no number of a process"))
        })?;
        Ok(Box::new(Opened(pidfd_open(number, PidfdFlags::empty())?)))
    }

    fn within(&self, dir: &Path) -> io::Result<Vec<(u32, String)>> {
        match within(&self.proc, dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            found => found,
        }
    }
}

/// Reading the links of other users' processes needs CAP_SYS_PTRACE; a process that can't be read is an error, because it may be inside.
fn within(proc: &Path, dir: &Path) -> io::Result<Vec<(u32, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc)?.filter_map(Result::ok) {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let links = ["root", "cwd"].map(|name| link(&entry.path().join(name)));
        for link in links {
            if link?.is_some_and(|at| at.starts_with(dir)) {
                let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                found.push((pid, name.trim().to_string()));
                break;
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// `None` for a process that has ended, and for one of the kernel.
fn link(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::read_link(path) {
        Ok(at) => Ok(Some(at)),
        Err(e) if e.kind() == io::ErrorKind::NotFound || e.raw_os_error() == Some(Errno::ESRCH as i32) => {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

impl OpenProcess for Opened {
    fn send(&self, signal: CheckpointSignal) -> io::Result<()> {
        Ok(pidfd_send_signal(&self.0, number(signal))?)
    }
}

fn number(signal: CheckpointSignal) -> Signal {
    match signal {
        CheckpointSignal::Hup => Signal::HUP,
        CheckpointSignal::Int => Signal::INT,
        CheckpointSignal::Quit => Signal::QUIT,
        CheckpointSignal::Usr1 => Signal::USR1,
        CheckpointSignal::Usr2 => Signal::USR2,
        CheckpointSignal::Term => Signal::TERM,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // the test starts its own process
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_found_by_its_folder_and_by_its_root() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let inside = dir.join("image");
        fs::create_dir(&inside).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).current_dir(&inside).spawn().unwrap();
        // This process alone: those of other users can't be read everywhere.
        let (alone, pid) = (dir.join("alone"), child.id().to_string());
        fs::create_dir(&alone).unwrap();
        std::os::unix::fs::symlink(Path::new("/proc").join(&pid), alone.join(&pid)).unwrap();
        let found = within(&alone, &dir).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, [(child.id(), "cat".to_string())]);
        assert_eq!(within(&alone, &dir).unwrap(), [], "it has ended");
        let proc = dir.join("proc");
        for (pid, root, cwd) in [("7", "/cm/images/x", "/"), ("8", "/", "/"), ("9", "/", "/cm/images/x2")] {
            fs::create_dir_all(proc.join(pid)).unwrap();
            std::os::unix::fs::symlink(root, proc.join(pid).join("root")).unwrap();
            std::os::unix::fs::symlink(cwd, proc.join(pid).join("cwd")).unwrap();
        }
        assert_eq!(within(&proc, Path::new("/cm/images/x")).unwrap(), [(7, String::new())]);
    }

    #[test]
    fn a_signal_reaches_the_opened_process_and_no_later_one() {
        // A test run in the background ignores HUP, INT and QUIT, and so do its children.
        for signal in [CheckpointSignal::Usr1, CheckpointSignal::Usr2, CheckpointSignal::Term] {
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            let opened = RealProcesses::new(Path::new("/")).open(child.id()).unwrap();
            opened.send(signal).unwrap();
            let ended = child.wait().unwrap();
            assert_eq!(ended.signal().map(i32::unsigned_abs), Some(signal.number()), "{signal}");
            let late = opened.send(signal).unwrap_err();
            assert_eq!(late.raw_os_error(), Some(nix::errno::Errno::ESRCH as i32), "{late}");
        }
        for signal in CheckpointSignal::ALL {
            assert_eq!(number(*signal).as_raw().unsigned_abs(), signal.number(), "{signal}");
        }
        assert_eq!(
            RealProcesses::new(Path::new("/")).open(0).err().unwrap().kind(),
            io::ErrorKind::InvalidInput
        );
        assert!(RealProcesses::new(Path::new("/")).open(u32::MAX).is_err());
    }
}
