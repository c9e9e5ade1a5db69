//! `kubeadm`: its calls, and its `upgrade diff` as flag changes. Its exit code says nothing of health: nobody here reads it as such.

use super::{exited, must, run};
use crate::spec::UnitSpec;
use podlift_host::paths;
use podlift_host::{Host, Invocation};
use podlift_model::flags::FlagChange;
use podlift_model::op::{Addon, Preflight, SkipPhase};
use podlift_model::{Failure, FlagSet, KubeVersion};
use std::time::Duration;

fn unit(args: Vec<String>, limit: Duration) -> UnitSpec {
    // Admin credentials are looked for at the usual place; HOME keeps the client's cache out of /.
    UnitSpec::new("kubeadm", args).env("HOME", "/root").limit(limit)
}

fn skipped(skip: &[SkipPhase]) -> Option<String> {
    let names: Vec<&str> = skip.iter().map(SkipPhase::name).collect();
    (!names.is_empty()).then(|| format!("--skip-phases={}", names.join(",")))
}

pub fn plan(to: KubeVersion, limit: Duration) -> UnitSpec {
    unit(vec!["upgrade".into(), "plan".into(), to.to_string()], limit)
}

/// Of a directory.
fn patched(patches: Option<&str>) -> Option<String> {
    patches.map(|dir| format!("--patches={dir}"))
}

/// What this node's own configuration gives to every `kubeadm upgrade`.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// A directory for `--patches`.
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

/// `which`: all of them at once where both are wanted.
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

/// Which kubeadm is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    Installed,
    /// The target's, in the private root.
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

/// As it says itself.
pub async fn version(host: &Host, binary: Binary) -> Result<String, Failure> {
    Ok(must(host, &binary.call(["version", "-o", "short"])).await?.trim().to_string())
}

/// Images of a version. Asks nobody: the version is given.
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

/// What this node's manifests would lose and gain. Changes nothing.
pub async fn diff(host: &Host, binary: Binary, to: KubeVersion) -> Result<Vec<FlagChange>, Failure> {
    let call = binary.call(["upgrade", "diff", &to.to_string()]);
    let call = call.timeout(Duration::from_secs(120));
    let output = run(host, &call).await?;
    if output.success() { Ok(parse_diff(&output.stdout)) } else { Err(exited(&call, &output)) }
}

/// The difference of the flags as sets: order and everything that is no flag is left out.
fn parse_diff(text: &str) -> Vec<FlagChange> {
    let mut changes = Vec::new();
    for section in text.split("\n--- ").skip(usize::from(!text.starts_with("--- "))) {
        let Some(component) = component_of(section) else { continue };
        let body = || section.lines().skip(1).filter(|l| !l.starts_with("+++ "));
        let flags = |sign: char| FlagSet::parse(body().filter_map(|l| flag_in(l.strip_prefix(sign)?)));
        changes.extend(flags('-').changes_to(component, &flags('+')));
    }
    changes
}

/// `…/kube-apiserver.yaml` of a section's first line.
fn component_of(section: &str) -> Option<&str> {
    let path = section.trim_start_matches("--- ").split_whitespace().next()?;
    path.rsplit('/').next()?.strip_suffix(".yaml")
}

/// The flag of a manifest line, without quotes.
fn flag_in(line: &str) -> Option<&str> {
    let word = line.trim().strip_prefix("- ")?.trim();
    let word = word.trim_matches(|c| c == '"' || c == '\'');
    word.starts_with("--").then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = include_str!("../../../tests/fixtures/transcripts/kubeadm-plan-diff.txt");

    #[test]
    fn the_recorded_diff_loses_etcd_and_moves_a_gate() {
        let (_, diff) = DIFF.split_once("$ kubeadm upgrade diff v1.32.13\n").unwrap();
        let (diff, _) = diff.split_once("\nrc=0").unwrap();
        let changes = parse_diff(diff);
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!((change.component.as_str(), change.flag.as_str()), ("kube-apiserver", "etcd-servers"));
        assert_eq!(change.rendered.as_deref(), Some(""));
        assert!(change.is_loss());
    }

    #[test]
    fn no_difference_is_none() {
        assert_eq!(parse_diff("[upgrade/diff] Reading configuration from the cluster...\n"), vec![]);
        let one = "--- /etc/kubernetes/manifests/kube-scheduler.yaml\n+++ new manifest\n@@ -1 +1 @@\n-    - \"--v=1\"\n+    - --v=2\n";
        assert_eq!(parse_diff(one)[0].to_string(), "kube-scheduler: --v would change from 1 to 2");
    }

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
