//! `apt-get`: the one right way to call it (kubernetes.io packages, unattended). What its refusals mean is in `judge`.

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

/// What apt itself asks for before anything else where dpkg was interrupted. The same answers about conffiles.
const CONFIGURE: [&str; 5] = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"];

/// For a call in the private root.
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

/// Nothing may go for what comes: podlift's packages replace none.
const KEEP_ALL: &str = "--no-remove";

/// Never ended from outside: dpkg killed half-way leaves a half-installed package. `repair`: an interrupted dpkg is brought to its end
/// first.
pub fn install(pins: &[PackagePin], repair: bool) -> UnitSpec {
    let spec = with_env(UnitSpec::new("apt-get", install_args(pins, &[KEEP_ALL])));
    if repair { spec.after(&CONFIGURE) } else { spec }
}

pub fn download(pins: &[PackagePin], limit: Duration) -> UnitSpec {
    with_env(UnitSpec::new("apt-get", install_args(pins, &[KEEP_ALL, "--download-only"]))).limit(limit)
}

/// The lists of one source. Another repository that does not answer is none of our business, and its lists stay.
pub fn update(source: &Source, limit: Duration) -> UnitSpec {
    let settings = [
        format!("Dir::Etc::sourcelist={}", source.path.display()),
        "Dir::Etc::sourceparts=-".into(),
        "APT::Get::List-Cleanup=0".into(),
    ];
    let args = ["-q".to_string()].into_iter().chain(options(settings)).chain(["update".to_string()]);
    with_env(UnitSpec::new("apt-get", args)).limit(limit)
}

/// Options of a private apt root: own sources, lists and cache. Nothing of the node's own is read or written but dpkg's status. `list`:
/// the source's name in it.
pub fn private_root(list: &str) -> Vec<String> {
    let root = paths::APT_PROBE;
    let settings = [
        format!("Dir::Etc::sourcelist={root}/{list}"),
        "Dir::Etc::sourceparts=-".to_string(),
        format!("Dir::State::Lists={root}/lists"),
        format!("Dir::Cache={root}/cache"),
        // The folder is not for apt's own user to see.
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

/// In the private root, with its name of the source.
fn private(list: &str, args: impl IntoIterator<Item = String>) -> Invocation {
    let call = Invocation::new("apt-get", private_root(list).into_iter().chain(args));
    let call = call.env("APT_CONFIG", paths::APT_PROBE_CONFIG);
    ENV.iter().fold(call.timeout(PRIVATE_LIMIT), |call, (name, value)| call.env(name, *value))
}

/// What an installation would do, from the private root. Nothing is done: apt takes no lock for it either. It says what would be removed,
/// which the installation itself refuses to do.
pub fn simulate(list: &str, pins: &[PackagePin]) -> Invocation {
    private(list, install_args(pins, &["-s"]))
}

/// What it would fetch: URI, file, bytes and hash of each package.
pub fn uris(list: &str, pins: &[PackagePin]) -> Invocation {
    private(list, install_args(pins, &["-qq", "--print-uris"]))
}

/// One package as a file, its hash checked against the signed index.
pub fn fetch(list: &str, pin: &PackagePin) -> Invocation {
    let args = ["-q".to_string(), "download".into(), format!("{}={}", pin.package, pin.version)];
    private(list, args).in_folder(paths::APT_PROBE_DEBS)
}

#[cfg(test)]
mod tests;
