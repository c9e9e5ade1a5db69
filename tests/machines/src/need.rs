//! What this tier needs of the machine that it runs on. Says all that is missing at once, and how to get it.

use anyhow::bail;
use std::path::Path;

/// Program, and the Debian package that has it.
const TOOLS: &[(&str, &str)] = &[
    ("systemd-nspawn", "systemd-container"),
    ("debootstrap", "debootstrap"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("dpkg-deb", "dpkg"),
    ("apt-ftparchive", "apt-utils"),
    ("gpg", "gnupg"),
    ("rsync", "rsync"),
];

/// Err: one sentence that says what to do.
pub fn check() -> anyhow::Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!(
            "the machine tier boots machines, and only root may do that: run `sudo ./test`, or `./test --tier unit` to leave it out"
        );
    }
    let missing: Vec<&str> = TOOLS.iter().filter(|(t, _)| !found(t)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        bail!("programs are missing on this machine: run `apt-get install {}`", missing.join(" "));
    }
    Ok(())
}

fn found(tool: &str) -> bool {
    let dirs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    dirs.iter().any(|d| Path::new(d).join(tool).exists())
}
