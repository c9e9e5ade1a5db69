//! A program that runs beside a test: its output in a file, its end with ours.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(program: &Path, args: &[impl AsRef<OsStr>], dir: &Path) -> Self {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = dir.join(format!("{name}.log"));
        let out = File::create(&log).unwrap();
        let err = out.try_clone().unwrap();
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("{} can't be started: {e}", program.display()));
        Self { name, child, log }
    }

    /// Panics with its last words where it has ended.
    pub fn check(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("{} ended ({status}):\n{}", self.name, self.last_words());
        }
    }

    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; the folder of its data goes next.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no such flag")]
    fn an_early_end_is_told_with_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let mut process =
            Process::start(Path::new("/bin/sh"), &["-c", "echo no such flag; exit 2"], dir.path());
        process.child.wait().unwrap();
        process.check();
    }

    #[test]
    fn it_ends_with_us() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = Process::start(Path::new("/bin/sh"), &["-c", "exec sleep 600"], dir.path());
        process.check();
        let place = format!("/proc/{}", process.child.id());
        assert!(Path::new(&place).exists());
        drop(process);
        assert!(!Path::new(&place).exists(), "killed, and waited for");
    }

    #[test]
    #[should_panic(expected = "/nowhere/etcd can't be started")]
    fn a_missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        Process::start(Path::new("/nowhere/etcd"), &["--version"], dir.path());
    }
}
