//! `kubeadm`: its calls, and its `upgrade diff` as flag changes. Its exit code says nothing about health, and no caller uses it for that.

mod diff;

pub use diff::diff;

use super::must;
use crate::spec::UnitSpec;
use podlift_host::paths;
use podlift_host::{Host, Invocation};
use podlift_model::op::{Addon, Preflight, SkipPhase};
use podlift_model::{Failure, KubeVersion};
use std::time::Duration;

fn unit(args: Vec<String>, limit: Duration) -> UnitSpec {
    // kubeadm finds the admin credentials at their usual place; HOME keeps the client's cache out of /.
    UnitSpec::new("kubeadm", args).env("HOME", "/root").limit(limit)
}

fn skipped(skip: &[SkipPhase]) -> Option<String> {
    let names: Vec<&str> = skip.iter().map(SkipPhase::name).collect();
    (!names.is_empty()).then(|| format!("--skip-phases={}", names.join(",")))
}

/// `--patches` with that directory.
fn patched(patches: Option<&str>) -> Option<String> {
    patches.map(|dir| format!("--patches={dir}"))
}

/// The node's own arguments for every `kubeadm upgrade`.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// The directory for `--patches`.
    pub patches: Option<&'a str>,
    /// Whether kubeadm may renew certificates.
    pub certificate_renewal: bool,
}

impl Local<'_> {
    fn args(self) -> impl Iterator<Item = String> {
        let kept = (!self.certificate_renewal).then(|| "--certificate-renewal=false".to_string());
        patched(self.patches).into_iter().chain(kept)
    }
}

pub fn apply(
    to: KubeVersion,
    skip: &[SkipPhase],
    ignore: &[Preflight],
    local: Local<'_>,
    limit: Duration,
) -> UnitSpec {
    let args = ["upgrade".to_string(), "apply".into(), to.to_string(), "--yes".into()];
    let names: Vec<&str> = ignore.iter().map(Preflight::name).collect();
    let ignored = (!names.is_empty()).then(|| format!("--ignore-preflight-errors={}", names.join(",")));
    unit(args.into_iter().chain(skipped(skip)).chain(ignored).chain(local.args()).collect(), limit)
}

pub fn node(skip: &[SkipPhase], local: Local<'_>, limit: Duration) -> UnitSpec {
    let args = ["upgrade".to_string(), "node".into()];
    unit(args.into_iter().chain(skipped(skip)).chain(local.args()).collect(), limit)
}

/// Runs one addon phase, or `all` if both addons are requested.
pub fn addons(to: KubeVersion, addons: &[Addon], limit: Duration) -> UnitSpec {
    let all = Addon::ALL.iter().all(|a| addons.contains(a));
    let which = if all { "all" } else { addons.first().map_or("all", Addon::name) };
    unit(
        ["upgrade", "apply", "phase", "addon", which]
            .map(String::from)
            .into_iter()
            .chain([to.to_string()])
            .collect(),
        limit,
    )
}

pub fn kubelet_config(patches: Option<&str>, limit: Duration) -> UnitSpec {
    let args = ["upgrade", "node", "phase", "kubelet-config"].map(String::from);
    unit(args.into_iter().chain(patched(patches)).collect(), limit)
}

/// Which kubeadm to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Installed,
    /// The target's kubeadm in the private root.
    Unpacked,
}

impl Binary {
    fn call<S: Into<String>>(self, args: impl IntoIterator<Item = S>) -> Invocation {
        let program = match self {
            Self::Installed => "kubeadm",
            Self::Unpacked => paths::UNPACKED_KUBEADM,
        };
        Invocation::new(program, args).env("HOME", "/root")
    }
}

/// The version that the binary reports.
pub async fn version(host: &Host, binary: Binary) -> Result<String, Failure> {
    Ok(must(host, &binary.call(["version", "-o", "short"])).await?.trim().to_string())
}

/// Images of a version. Needs no network, because the version is given.
pub async fn images(
    host: &Host,
    binary: Binary,
    to: KubeVersion,
    registry: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let version = to.to_string();
    let args = ["config", "images", "list", "--kubernetes-version", &version];
    let registry = registry.iter().flat_map(|r| ["--image-repository", r]);
    let text = must(host, &binary.call(args.into_iter().chain(registry))).await?;
    Ok(text
        .lines()
        .map(str::trim)
        .filter(|l| l.contains(':') && !l.contains(' '))
        .map(String::from)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let to: KubeVersion = "v1.32.9".parse().unwrap();
        let limit = Duration::from_secs(9);
        let line = |spec: UnitSpec| spec.args.join(" ");
        let plain = Local { patches: None, certificate_renewal: true };
        let patched = Local { patches: Some("/p"), ..plain };
        assert_eq!(
            line(apply(to, &[SkipPhase::Addon, SkipPhase::KubeletConfig], &[], plain, limit)),
            "upgrade apply v1.32.9 --yes --skip-phases=addon,kubelet-config"
        );
        assert_eq!(line(node(&[], plain, limit)), "upgrade node");
        assert_eq!(line(apply(to, &[], &[], patched, limit)), "upgrade apply v1.32.9 --yes --patches=/p");
        let kept = Local { certificate_renewal: false, ..plain };
        assert_eq!(
            line(apply(to, &[], Preflight::ALL, kept, limit)),
            "upgrade apply v1.32.9 --yes --ignore-preflight-errors=CoreDNSMigration,CoreDNSUnsupportedPlugins --certificate-renewal=false"
        );
        assert_eq!(
            line(node(&[SkipPhase::Addon], patched, limit)),
            "upgrade node --skip-phases=addon --patches=/p"
        );
        assert_eq!(line(kubelet_config(Some("/p"), limit)), "upgrade node phase kubelet-config --patches=/p");
        assert_eq!(line(addons(to, Addon::ALL, limit)), "upgrade apply phase addon all v1.32.9");
        assert_eq!(line(addons(to, &[Addon::Coredns], limit)), "upgrade apply phase addon coredns v1.32.9");
        assert_eq!(line(kubelet_config(None, limit)), "upgrade node phase kubelet-config");
    }
}
