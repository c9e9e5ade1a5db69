//! CoreDNS versions and plugins that kubeadm can't migrate. Its preflight refuses `upgrade apply` before it writes anything, although the
//! run updates addons in a separate step (kubeadm 1.32 `phases/upgrade/preflight.go`; versions and plugins of
//! github.com/coredns/corefile-migration, `migration/versions.go`).

use super::View;
use crate::analysis::kubeadm::has_phases;
use crate::program::{Finding, Severity, finding};
use crate::survey::CoreDnsView;
use podlift_model::KubeVersion;
use podlift_model::op::Preflight;

pub const ID: &str = "coredns-migration";
/// The same problem if addons can't be skipped; it can't be waived.
const WITH_APPLY: &str = "coredns-upgrade";

/// Versions that can be migrated from, in order, from the oldest that may run with Kubernetes 1.31.
const VERSIONS: &[&str] = &[
    "1.6.0", "1.6.1", "1.6.2", "1.6.3", "1.6.4", "1.6.5", "1.6.6", "1.6.7", "1.6.9", "1.7.0", "1.7.1",
    "1.8.0", "1.8.3", "1.8.4", "1.8.5", "1.8.6", "1.8.7", "1.9.0", "1.9.1", "1.9.2", "1.9.3", "1.9.4",
    "1.10.0", "1.10.1", "1.11.0", "1.11.1", "1.11.3", "1.11.4", "1.12.0", "1.12.1", "1.12.2", "1.12.3",
    "1.12.4", "1.13.0", "1.13.1", "1.13.2", "1.14.0", "1.14.1", "1.14.2",
];

/// Minor of Kubernetes to the CoreDNS that its kubeadm brings.
const BROUGHT: &[(u16, &str)] =
    &[(31, "1.11.3"), (32, "1.11.3"), (33, "1.12.0"), (34, "1.12.1"), (35, "1.13.1"), (36, "1.14.2")];

/// Plugins that the migration knows, the same from CoreDNS 1.11 to 1.14.
const PLUGINS: &[&str] = &[
    "autopath",
    "cache",
    "errors",
    "forward",
    "health",
    "hosts",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "log",
    "loop",
    "prometheus",
    "ready",
    "reload",
    "rewrite",
    "transfer",
];

/// An error with which kubeadm's preflight would end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::goals::upgrade) struct Refused {
    pub error: Preflight,
    pub why: String,
}

pub fn check(view: &View) -> Vec<Finding> {
    let dns = view.cluster().and_then(|c| c.core_dns.as_ref().ok()?.as_ref());
    let Some(dns) = dns.filter(|_| !disabled(view)) else { return vec![] };
    let all = refused(dns, view.input.to);
    let names: Vec<&str> = all.iter().map(|r| r.error.name()).collect();
    let names = names.join(",");
    let phases = has_phases(view.input.to);
    all.iter().map(|r| told(view, r, &names, phases)).collect()
}

fn told(view: &View, refused: &Refused, names: &str, phases: bool) -> Finding {
    let Refused { error, why } = refused;
    let (id, way, next) = match phases {
        true => (
            ID,
            format!(
                "the run leaves CoreDNS to a step of its own; with a waiver kubeadm is given --ignore-preflight-errors={names}, and keeps Deployment and Corefile as they are"
            ),
            format!("{} --waive {ID}=REASON", view.again()),
        ),
        false => (
            WITH_APPLY,
            "kubeadm of this minor upgrades CoreDNS with apply: bring it to a version and a Corefile that can be migrated".into(),
            "kubectl -n kube-system edit deployment/coredns configmap/coredns".into(),
        ),
    };
    let evidence = format!("kubeadm upgrade apply would refuse with [ERROR {error}], {why}; {way}");
    finding(id, Severity::Blocker, None, evidence, &next)
}

fn disabled(view: &View) -> bool {
    view.config().is_some_and(|c| c.addon_disabled(podlift_model::op::Addon::Coredns))
}

/// The errors, in the order of kubeadm's checks.
pub(in crate::goals::upgrade) fn refused(dns: &CoreDnsView, to: KubeVersion) -> Vec<Refused> {
    let plugins = unknown(&dns.corefile);
    let plugins = (!plugins.is_empty()).then(|| Refused {
        error: Preflight::CoreDnsUnsupportedPlugins,
        why: format!("because its Corefile has {}, which the migration does not know", plugins.join(", ")),
    });
    let version = not_migrated(&dns.image, to)
        .map(|why| Refused { error: Preflight::CoreDnsMigration, why: format!("because {why}") });
    plugins.into_iter().chain(version).collect()
}

fn not_migrated(image: &str, to: KubeVersion) -> Option<String> {
    let without = image.split('@').next().unwrap_or(image);
    let tag = without.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    let Some(tag) = tag else { return Some(format!("its image {image} has no tag that tells a version")) };
    let known = BROUGHT.iter().find(|(minor, _)| *minor == to.minor).map(|(_, version)| *version);
    // A later minor brings a later CoreDNS, for which the versions known here are no limit.
    let target = known.or(VERSIONS.last().copied())?;
    let version = tag.trim_start_matches('v');
    let at = |v: &str| VERSIONS.iter().position(|known| *known == v);
    match at(version) {
        _ if version == target => None,
        Some(from) if at(target).is_some_and(|to| from <= to) => None,
        Some(_) => Some(format!("its version {tag} is newer than {target}, which {to} brings")),
        None => Some(format!("its tag {tag} (image {image}) is no version that the migration knows")),
    }
}

/// Plugins at the first level of each server block.
fn unknown(corefile: &str) -> Vec<String> {
    let (mut depth, mut out) = (0_usize, Vec::<String>::new());
    for line in corefile.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let word = line.split_whitespace().next().unwrap_or_default();
        if depth == 1
            && !matches!(word, "" | "}")
            && !PLUGINS.contains(&word)
            && !out.iter().any(|o| o == word)
        {
            out.push(word.into());
        }
        // `{$NAME}` and `{type}` are words, not blocks.
        depth += usize::from(line.ends_with('{'));
        depth = depth.saturating_sub(usize::from(line.starts_with('}')));
    }
    out
}
