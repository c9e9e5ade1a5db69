//! dpkg's own log of a machine: what was unpacked when, and how often.

use crate::fleet::{FROM, TO};
use crate::machine::Machine;
use std::path::{Path, PathBuf};

pub struct Log {
    path: PathBuf,
}

impl Log {
    pub fn of(machine: &Machine) -> Self {
        Self::at(&machine.root())
    }

    /// Of any tree.
    pub fn at(root: &Path) -> Self {
        Self { path: root.join("var/log/dpkg.log") }
    }

    /// Without dates and architectures.
    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        let bare = text.lines().map(|l| l.splitn(3, ' ').nth(2).unwrap_or_default());
        let architecture = format!(":{}", crate::deb::arch());
        bare.map(|l| l.replace(&architecture, "").replace(":all", "")).collect()
    }

    /// The new version of a package is being unpacked. None: that has not begun, or false: it has ended.
    pub fn unpacking(&self, package: &str) -> Option<bool> {
        let lines = self.lines();
        let begun = lines.iter().position(|l| *l == upgrade(package))?;
        let half = format!("status half-installed {package} {}", version(FROM));
        let unpacked = format!("status unpacked {package} {}", version(TO));
        let after = &lines[begun..];
        after.contains(&half).then(|| !after.contains(&unpacked))
    }

    /// The new version of a package is configured.
    pub fn installed(&self, package: &str) -> bool {
        self.lines().contains(&format!("status installed {package} {}", version(TO)))
    }

    /// How often the new version of a package was put in place of the old one.
    pub fn upgrades(&self, package: &str) -> usize {
        let wanted = format!(" {package} ");
        let to = format!(" {}", version(TO));
        let begins = |l: &&String| l.starts_with("upgrade ") || l.starts_with("install ");
        self.lines().iter().filter(begins).filter(|l| l.contains(&wanted) && l.ends_with(&to)).count()
    }
}

fn upgrade(package: &str) -> String {
    format!("upgrade {package} {} {}", version(FROM), version(TO))
}

fn version(kube: &str) -> String {
    format!("{}-1.1", kube.trim_start_matches('v'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "2026-11-22 21:07:25 upgrade kubelet:amd64 1.31.14-1.1 1.32.13-1.1\n\
        2026-11-22 21:07:25 status half-configured kubelet:amd64 1.31.14-1.1\n";
    const UNPACKING: &str = "2026-11-22 21:07:25 status half-installed kubelet:amd64 1.31.14-1.1\n";
    const AFTER: &str = "2026-11-22 21:07:26 status unpacked kubelet:amd64 1.32.13-1.1\n\
        2026-11-22 21:07:26 configure kubelet:amd64 1.32.13-1.1 <none>\n\
        2026-11-22 21:07:26 status installed kubelet:amd64 1.32.13-1.1\n";

    fn log(text: &str) -> (tempfile::TempDir, Log) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dpkg.log");
        std::fs::write(&path, text.replace("amd64", crate::deb::arch())).unwrap();
        (dir, Log { path })
    }

    #[test]
    fn what_dpkg_is_doing() {
        let here = |parts: &[&str]| {
            let (_dir, log) = log(&parts.concat());
            (log.unpacking("kubelet"), log.installed("kubelet"))
        };
        assert_eq!(here(&[]), (None, false));
        assert_eq!(here(&[BEFORE]), (None, false));
        assert_eq!(here(&[BEFORE, UNPACKING]), (Some(true), false));
        assert_eq!(here(&[BEFORE, UNPACKING, AFTER]), (Some(false), true));
    }

    #[test]
    fn a_second_unpack_is_counted() {
        let twice = [BEFORE, UNPACKING, AFTER].concat().repeat(2);
        let again = twice.replace("upgrade kubelet:amd64 1.31.14", "upgrade kubelet:amd64 1.32.13");
        for text in [twice, again] {
            let (_dir, log) = log(&text);
            assert_eq!((log.upgrades("kubelet"), log.upgrades("kubeadm")), (2, 0));
        }
    }
}
