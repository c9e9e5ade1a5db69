//! Run:ai supports only some minors of Kubernetes with each of its versions (Run:ai's system requirements for self-hosted clusters). A target
//! outside of them needs Run:ai's own upgrade before.

use super::View;
use crate::program::{Finding, Severity, finding};
use crate::survey::PodView;

pub const ID: &str = "runai-versions";

/// Minor of Run:ai 2 to the first and the last minor of Kubernetes 1 that it supports.
const SUPPORTED: &[(u32, u16, u16)] = &[(22, 31, 33), (23, 31, 34), (24, 33, 35), (25, 33, 35), (26, 33, 36)];
const NAMESPACES: [&str; 2] = ["runai", "runai-backend"];
/// Pods whose image has Run:ai's version as its tag.
const OPERATOR: &str = "runai-operator";
const LABELS: [&str; 2] = ["helm.sh/chart", "app.kubernetes.io/version"];
const NEXT: &str = "helm list -n runai; helm list -n runai-backend";

pub fn check(view: &View) -> Vec<Finding> {
    let Some(pods) = view.cluster().and_then(|c| c.pods.as_ref().ok()) else { return vec![] };
    let of_runai = |p: &&PodView| NAMESPACES.contains(&p.namespace.as_str()) && p.name.starts_with("runai");
    let mine: Vec<&PodView> = pods.iter().filter(of_runai).collect();
    if !mine.iter().any(|pod| pod.name.starts_with(OPERATOR)) {
        return vec![];
    }
    let minor = view.input.to.minor;
    let Some(version) = version(&mine) else { return vec![unknown(view, "its version is not known")] };
    let Some((_, first, last)) = row(version) else {
        return vec![unknown(
            view,
            &format!("no table of podlift has its version {}.{}", version.0, version.1),
        )];
    };
    if view.from.minor == minor && (minor < first || minor > last) {
        let evidence = format!(
            "Run:ai {}.{} supports Kubernetes v1.{first} to v1.{last}; the cluster is outside of that already, and this upgrade keeps its minor",
            version.0, version.1
        );
        return vec![finding(ID, Severity::Note, None, evidence, NEXT)];
    }
    match (minor < first, minor > last) {
        (false, false) => vec![],
        (true, _) => vec![before(view, version, first)],
        (_, true) => vec![after(view, version, last)],
    }
}

fn row((major, minor): (u32, u32)) -> Option<(u32, u16, u16)> {
    SUPPORTED.iter().copied().find(|(of, _, _)| major == 2 && *of == minor)
}

/// Major and minor of Run:ai: of its operator's image, or of a label of Helm.
fn version(pods: &[&PodView]) -> Option<(u32, u32)> {
    let operators = || pods.iter().filter(|pod| pod.name.starts_with(OPERATOR));
    let tag = |image: &String| {
        let without = image.split('@').next().unwrap_or_default();
        without.rsplit('/').next()?.split_once(':').and_then(|(_, tag)| numbers(tag))
    };
    let by_image = operators().find_map(|pod| pod.image.as_ref().and_then(tag));
    let label = |pod: &&&PodView| LABELS.iter().find_map(|key| numbers(pod.labels.get(*key)?));
    by_image.or_else(|| operators().find_map(|pod| label(&pod)))
}

/// The first two numbers of `v2.22.47`, `runai-cluster-2.22.47`.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let version = text.rsplit_once('-').map_or(text, |(name, version)| match version.contains('.') {
        true => version,
        false => name,
    });
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn unknown(view: &View, why: &str) -> Finding {
    let evidence =
        format!("whether Run:ai supports Kubernetes {} can't be said: {why}", view.input.to.minor());
    finding(ID, Severity::Note, None, evidence, NEXT)
}

/// Kubernetes would become too new.
fn after(view: &View, (major, minor): (u32, u32), last: u16) -> Finding {
    let to = view.input.to.minor();
    let newer =
        SUPPORTED.iter().find(|(_, first, until)| *first <= last && *until > last).map(|(of, _, _)| *of);
    let way = match newer {
        Some(newer) => format!(
            "upgrade Kubernetes to v1.{last} at most, then Run:ai to 2.{newer} or later (its control plane first, then its cluster part), then Kubernetes to {to}"
        ),
        None => format!("Run:ai has to support {to} first: look at its release notes"),
    };
    let evidence =
        format!("Run:ai {major}.{minor} supports Kubernetes up to v1.{last}, and the target is {to}: {way}");
    finding(ID, Severity::Blocker, None, evidence, NEXT)
}

/// Run:ai is too new for the target already: the upgrade leads towards its range, and the waiver says that this is known.
fn before(view: &View, (major, minor): (u32, u32), first: u16) -> Finding {
    let to = view.input.to.minor();
    let evidence = format!(
        "Run:ai {major}.{minor} supports Kubernetes from v1.{first} on, and the target {to} is older: the cluster is outside of its range now and after this upgrade; waive this, and go on to v1.{first} as soon as the upgrade is over"
    );
    finding(ID, Severity::Blocker, None, evidence, &format!("{} --waive {ID}=REASON", view.again()))
}
