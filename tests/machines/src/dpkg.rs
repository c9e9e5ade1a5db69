//! dpkg's own log of a machine: what was unpacked when, and how often.

use crate::fleet::{FROM, TO};
use crate::machine::Machine;
use std::path::PathBuf;

pub struct Log {
    path: PathBuf,
}

impl Log {
    pub fn of(machine: &Machine) -> Self {
        Self { path: machine.path("/var/log/dpkg.log") }
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
