//! `apt-get`, with the options for unattended work on the kubernetes.io packages. `judge` explains its failures.

mod judge;
pub mod lock;
pub mod preview;

pub use judge::{judge, stale};

use crate::sources::Source;
use crate::spec::UnitSpec;
use podlift_host::Invocation;
use podlift_host::paths;
use podlift_model::op::PackagePin;
use std::time::Duration;

/// For every call: no questions, and no restart of kubelet or etcd by needrestart.
const ENV: [(&str, &str); 2] = [("DEBIAN_FRONTEND", "noninteractive"), ("NEEDRESTART_SUSPEND", "1")];

/// A conffile that was changed on the node stays, also after an interrupted installation. apt waits for another holder of dpkg's lock.
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

/// The command that apt demands after an interrupted dpkg, with the same answers about conffiles.
const CONFIGURE: [&str; 5] = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"];

/// Time limit of a call in the private root.
const PRIVATE_LIMIT: Duration = Duration::from_secs(300);

fn with_env(mut spec: UnitSpec) -> UnitSpec {
    spec.env.extend(ENV.map(|(name, value)| (name, value.to_string())));
    spec
}

fn install_args(pins: &[PackagePin], first: &[&str]) -> Vec<String> {
    let exact = pins.iter().map(|p| format!("{}={}", p.package, p.version));
    let fixed = OPTIONS.iter().chain(first).map(ToString::to_string);
    fixed.chain(["install".to_string()]).chain(exact).collect()
}

/// No package may be removed for an installation: podlift's packages replace none.
const KEEP_ALL: &str = "--no-remove";

/// Installs the packages. The unit is never ended from outside: a dpkg that is killed half-way leaves a half-installed package. `repair`
/// completes an interrupted dpkg first.
pub fn install(pins: &[PackagePin], repair: bool) -> UnitSpec {
    let spec = with_env(UnitSpec::new("apt-get", install_args(pins, &[KEEP_ALL])));
    if repair { spec.after(&CONFIGURE) } else { spec }
}

/// Arguments that simulate the same installation: nothing changes, and no lock is taken.
pub fn simulated(pins: &[PackagePin]) -> Vec<String> {
    install_args(pins, &[KEEP_ALL, "-s"])
}

pub fn download(pins: &[PackagePin], limit: Duration) -> UnitSpec {
    with_env(UnitSpec::new("apt-get", install_args(pins, &[KEEP_ALL, "--download-only"]))).limit(limit)
}

/// Updates the lists of one source. Other repositories may be down, and their lists stay.
pub fn update(source: &Source, limit: Duration) -> UnitSpec {
    let settings = [
        format!("Dir::Etc::sourcelist={}", source.path.display()),
        "Dir::Etc::sourceparts=-".into(),
        "APT::Get::List-Cleanup=0".into(),
    ];
    let args = ["-q".to_string()].into_iter().chain(options(settings)).chain(["update".to_string()]);
    with_env(UnitSpec::new("apt-get", args)).limit(limit)
}

/// Options of a private apt root with its own sources, lists and cache. Of the node's own files only dpkg's status is read, and none is
/// written. `list` is the source's name in that root.
pub fn private_root(list: &str) -> Vec<String> {
    let root = paths::APT_PROBE;
    let settings = [
        format!("Dir::Etc::sourcelist={root}/{list}"),
        "Dir::Etc::sourceparts=-".to_string(),
        format!("Dir::State::Lists={root}/lists"),
        format!("Dir::Cache={root}/cache"),
        // apt's own user can't read the folder.
        "APT::Sandbox::User=root".to_string(),
    ];
    options(settings).collect()
}

fn options(settings: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
    settings.into_iter().flat_map(|s| ["-o".to_string(), s])
}

pub fn update_private(list: &str) -> Invocation {
    private(list, ["-q".to_string(), "update".into()])
}

/// A call in the private root, for the source of that name.
fn private(list: &str, args: impl IntoIterator<Item = String>) -> Invocation {
    let call = Invocation::new("apt-get", private_root(list).into_iter().chain(args));
    let call = call.env("APT_CONFIG", paths::APT_PROBE_CONFIG);
    ENV.iter().fold(call.timeout(PRIVATE_LIMIT), |call, (name, value)| call.env(name, *value))
}

/// Simulates an installation in the private root. It changes nothing and takes no lock. It lists packages that would be removed, which the
/// installation itself refuses.
pub fn simulate(list: &str, pins: &[PackagePin]) -> Invocation {
    private(list, install_args(pins, &["-s"]))
}

/// Lists what would be downloaded: URI, file, bytes and hash of each package.
pub fn uris(list: &str, pins: &[PackagePin]) -> Invocation {
    private(list, install_args(pins, &["-qq", "--print-uris"]))
}

/// Downloads one package; apt checks its hash against the signed index.
pub fn fetch(list: &str, pin: &PackagePin) -> Invocation {
    let args = ["-q".to_string(), "download".into(), format!("{}={}", pin.package, pin.version)];
    private(list, args).in_folder(paths::APT_PROBE_DEBS)
}

#[cfg(test)]
mod tests;
