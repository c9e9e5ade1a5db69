//! `apt-get`: the one right way to call it (kubernetes.io packages, unattended), and what its refusals mean.

use crate::host::Invocation;
use crate::paths;
use crate::units::UnitSpec;
use podlift_model::op::PackagePin;
use podlift_model::{Failure, Minor};
use std::time::Duration;

/// For every call: never ask, never let needrestart restart kubelet or etcd under us.
const ENV: [(&str, &str); 2] = [("DEBIAN_FRONTEND", "noninteractive"), ("NEEDRESTART_SUSPEND", "1")];

/// A conffile that was changed here stays, also after an interrupted installation; another holder of dpkg's lock is waited for.
const OPTIONS: [&str; 10] = [
    "-y",
    "-q",
    "--no-install-recommends",
    "--allow-change-held-packages",
    "-o",
    "DPkg::Lock::Timeout=300",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
];

fn with_env(mut spec: UnitSpec) -> UnitSpec {
    spec.env.extend(ENV.map(|(name, value)| (name, value.to_string())));
    spec
}

fn install_args(pins: &[PackagePin], first: &[&str]) -> Vec<String> {
    let exact = pins.iter().map(|p| format!("{}={}", p.package, p.version));
    let fixed = OPTIONS.iter().chain(first).map(ToString::to_string);
    fixed.chain(["install".to_string()]).chain(exact).collect()
}

/// Never ended from outside: dpkg killed half-way leaves a half-installed package.
pub fn install(pins: &[PackagePin]) -> UnitSpec {
    with_env(UnitSpec::new("apt-get", install_args(pins, &[])))
}

pub fn download(pins: &[PackagePin], limit: Duration) -> UnitSpec {
    with_env(UnitSpec::new("apt-get", install_args(pins, &["--download-only"]))).limit(limit)
}

pub fn update(limit: Duration) -> UnitSpec {
    with_env(UnitSpec::new("apt-get", ["-q", "update"])).limit(limit)
}

/// Options of a private apt root: own sources, lists and cache. Nothing of the node's own is read or written but dpkg's status.
pub fn private_root() -> Vec<String> {
    let root = paths::APT_PROBE;
    let settings = [
        format!("Dir::Etc::sourcelist={root}/sources.list"),
        "Dir::Etc::sourceparts=-".to_string(),
        format!("Dir::State::Lists={root}/lists"),
        format!("Dir::Cache={root}/cache"),
        // The folder is not for apt's own user to see.
        "APT::Sandbox::User=root".to_string(),
    ];
    settings.into_iter().flat_map(|s| ["-o".to_string(), s]).collect()
}

pub fn update_private() -> Invocation {
    let args = ["-q".to_string()].into_iter().chain(private_root()).chain(["update".to_string()]);
    let call = Invocation::new("apt-get", args).timeout(Duration::from_secs(300));
    ENV.iter().fold(call, |call, (name, value)| call.env(name, *value))
}

/// What a failed apt-get meant. It exits 100 whatever happened, so its words are all there is.
pub fn judge(log: &str, exit: &str) -> Failure {
    let says = |text: &str| log.contains(text);
    let failure = if says("Could not get lock")
        || says("Unable to acquire the dpkg frontend lock")
        || says("Unable to lock")
    {
        Failure::transient(
            "apt-lock",
            "another program holds apt's or dpkg's lock (the holder is named below); wait for it or end it",
        )
    } else if says("No space left on device") || says("don't have enough free space") {
        Failure::operator("disk-full", "the disk is full; free space below /var and try again")
    } else if says("conffile prompt") || says("end of file on stdin") {
        let message = "a package asked about a changed configuration file; look at the .dpkg-new or .dpkg-dist file, then `dpkg --configure -a`";
        Failure::operator("apt-conffile", message)
    } else if says("Packages were downgraded") {
        Failure::permanent(
            "apt-downgrade",
            "a newer version is installed than the one asked for; podlift installs forward only",
        )
    } else if says("was not found") && says("E: Version") {
        Failure::operator(
            "package-version-missing",
            "the repository has not the version asked for; `apt-cache madison` shows what it has",
        )
    } else if says("Failed to fetch") || says("Could not resolve") || says("Connection failed") {
        Failure::transient(
            "apt-unreachable",
            "the package repository could not be reached; check network, proxy and mirror",
        )
    } else {
        Failure::operator("apt-failed", format!("apt-get {exit}; its own words are below"))
    };
    failure.with_detail(log)
}

/// Why a line of the source list can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error(
        "it has no `deb` line for core:/stable:/vX.Y/deb/; expected the repository that kubeadm's packages came from"
    )]
    NoLine,
    #[error(
        "a line says trusted=yes, which switches signature checks off; use signed-by with the repository's key"
    )]
    Trusted,
    #[error("{0:?} is no kubernetes repository: expected a path that ends in core:/stable:/vX.Y/deb/")]
    Strange(String),
}

const BEFORE: &str = "/core:/stable:/";

/// The same text with another minor; every other byte as it was. `text` is a whole source list.
pub fn with_minor(text: &str, minor: Minor) -> Result<String, SourceError> {
    let mut out = String::with_capacity(text.len());
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let words = line.trim_start();
        if !words.starts_with("deb ") && !words.starts_with("deb-src ") && !words.starts_with("deb\t") {
            out += line;
            continue;
        }
        let (start, end, _) = minor_in(line)?;
        out += &line[..start];
        out += &minor.to_string();
        out += &line[end..];
        found = true;
    }
    if found { Ok(out) } else { Err(SourceError::NoLine) }
}

/// The minor of a source list's first kubernetes line.
pub fn minor_of(text: &str) -> Option<Minor> {
    let mut lines = text.lines().filter(|l| l.trim_start().starts_with("deb"));
    lines.find_map(|l| minor_in(l).ok().map(|(_, _, minor)| minor))
}

/// Where the minor stands in a `deb` line.
fn minor_in(line: &str) -> Result<(usize, usize, Minor), SourceError> {
    let squeezed: String =
        line.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    if ["trusted=yes", "trusted=true", "trusted=1", "allow-insecure=yes"].iter().any(|t| squeezed.contains(t))
    {
        return Err(SourceError::Trusted);
    }
    let strange = || SourceError::Strange(line.trim().to_string());
    let start = line.find(BEFORE).ok_or_else(strange)? + BEFORE.len();
    let len = line[start..].find('/').ok_or_else(strange)?;
    let rest = line[start + len..].strip_prefix("/deb").ok_or_else(strange)?;
    let ends = rest.strip_prefix('/').unwrap_or(rest);
    if !ends.starts_with([' ', '\t']) {
        return Err(strange());
    }
    let minor = line[start..start + len].parse().map_err(|_| strange())?;
    Ok((start, start + len, minor))
}

#[cfg(test)]
#[path = "apt_tests.rs"]
mod tests;
