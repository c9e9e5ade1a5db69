//! Flags whose loss does not stop a component but changes its meaning: authorization, audit, encryption, the place of its data. A flag that
//! the last good manifest had and this one lost comes back with its old value if that provably can't stop the component: the version knows
//! the flag, no present flag excludes it, and a value that is a path is mounted from the node and exists there (`needs`, checked before the
//! write).

use super::{Finding, Fix, Situation, etcd};
use crate::manifest::Manifest;
use crate::splice::Edit;
use crate::why::accept;
use podlift_model::command::{is_path, kinds::STORE};
use podlift_model::heal::HealKind;
use podlift_model::op::Component;
use podlift_model::{FlagSet, KubeVersion};

/// Flags by name, and by prefix. Kubernetes 1.31 and 1.32 know all of them; none was removed between the two, according to the published
/// list of removed flags and to the help of both versions.
const NAMES: [&str; 22] = [
    "admission-control-config-file",
    "allocate-node-cidrs",
    "anonymous-auth",
    "api-audiences",
    "authentication-config",
    "authentication-kubeconfig",
    "authorization-config",
    "authorization-kubeconfig",
    "authorization-mode",
    "client-ca-file",
    "cluster-cidr",
    "config",
    "disable-admission-plugins",
    "egress-selector-config-file",
    "enable-admission-plugins",
    "enable-bootstrap-token-auth",
    "encryption-provider-config",
    "encryption-provider-config-automatic-reload",
    "kubeconfig",
    "root-ca-file",
    "service-cluster-ip-range",
    "use-service-account-credentials",
];
const BEGINNINGS: [&str; 12] = [
    "audit-",
    "authentication-token-webhook-",
    "authorization-webhook-",
    "cluster-signing-",
    "etcd-",
    "kubelet-c",
    "oidc-",
    "proxy-client-",
    "requestheader-",
    "service-account-",
    "tls-",
    "token-auth-",
];

/// Flags that a component refuses together: a flag with the first prefix, if a flag with the second prefix is set.
const EXCLUDE: [(&str, &str); 8] = [
    ("authentication-config", "oidc-"),
    ("oidc-", "authentication-config"),
    ("anonymous-auth", "authentication-config"),
    ("authorization-config", "authorization-"),
    ("authorization-mode", "authorization-config"),
    ("authorization-webhook-", "authorization-config"),
    ("cluster-signing-cert-file", "cluster-signing-kube"),
    ("cluster-signing-key-file", "cluster-signing-kube"),
];

/// Flags that a version removed, so that kubeadm is right to leave them out (KEP-2395).
const REMOVED: [(Component, &str, (u16, u16)); 2] = [
    (Component::KubeApiserver, "cloud-config", (1, 33)),
    (Component::KubeApiserver, "cloud-provider", (1, 33)),
];

/// Whether the loss of this flag matters. The stores have their own rules once their expected values are known.
fn is_sensitive(flag: &str, now: &Situation<'_>) -> bool {
    let by_itself = flag == "etcd-servers" || (STORE.contains(&flag) && now.expected.is_some());
    !by_itself && (NAMES.contains(&flag) || BEGINNINGS.iter().any(|start| flag.starts_with(start)))
}

fn is_removed(component: Component, flag: &str, version: Option<KubeVersion>) -> bool {
    let minor = version.map(|v| (v.minor().major, v.minor().minor));
    REMOVED.iter().any(|(c, f, since)| *c == component && *f == flag && minor.is_some_and(|m| m >= *since))
}

pub(super) fn lost_flags(manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    let Some(good) = now.good else { return Vec::new() };
    let (had, has) = (good.flag_set(), manifest.flag_set());
    let empty = |set: &FlagSet, flag: &str| set.0.get(flag).is_none_or(|v| v.iter().all(String::is_empty));
    let is_lost = |flag: &str| !empty(had, flag) && empty(has, flag);
    let counts =
        |flag: &str| is_sensitive(flag, now) && !is_removed(manifest.component, flag, manifest.version);
    let lost = had.0.iter().filter(|(flag, _)| counts(flag) && is_lost(flag));
    lost.map(|(flag, values)| finding(manifest, good, now, flag, values)).collect()
}

fn finding(
    manifest: &Manifest,
    good: &Manifest,
    now: &Situation<'_>,
    flag: &str,
    values: &[String],
) -> Finding {
    let what = format!("--{flag} was {} in the last good manifest and is lost", values.join(" and "));
    let fix = back(manifest, good, now, flag, values)
        .and_then(|fix| now.may_tidy().map(|()| fix).map_err(String::from));
    match fix {
        Ok((edit, needs)) => {
            let mut found = Finding::fixed("flag-lost", HealKind::Hygiene, what, Fix::Edit(edit));
            found.needs = needs;
            found
        }
        Err(why) => Finding::reported("flag-lost", HealKind::Hygiene, what, why),
    }
}

/// The edit that brings the flag back and the path that it needs on the node, or why the edit is not certain to be right.
fn back(
    manifest: &Manifest,
    good: &Manifest,
    now: &Situation<'_>,
    flag: &str,
    values: &[String],
) -> Result<(Edit, Option<String>), String> {
    if now.is_meant(manifest.component, flag) {
        return Err(super::MEANT.into());
    }
    let [value] = values else { return Err("it was set more than once".into()) };
    let (Some(from), Some(to)) = (good.version, manifest.version) else {
        return Err("the version of an image is unknown".into());
    };
    if !knows(from, to) {
        return Err(format!("whether {to} knows the flag of {from} is not certain"));
    }
    if let (true, Some(known)) = (flag.starts_with("etcd-"), now.expected)
        && let Some(forbidden) = &known.forbidden
    {
        return Err(known.prohibition(forbidden, now.node));
    }
    if let Some(beside) = excluded_by(manifest, flag) {
        return Err(format!(
            "--{beside} is set now, which excludes it; {} takes the change over",
            accept(now.node, manifest.component)
        ));
    }
    let needs = match is_path(flag) && value.starts_with('/') {
        false => None,
        true => Some(manifest.on_node(value).ok_or_else(|| {
            format!("{value} is not mounted from the node any more; repair the volume with the flag")
        })?),
    };
    Ok((etcd::put(manifest, flag, value), needs))
}

/// Whether a flag of the version `from` is certainly a flag of the version `to`.
fn knows(from: KubeVersion, to: KubeVersion) -> bool {
    let minors = ((from.minor().major, from.minor().minor), (to.minor().major, to.minor().minor));
    minors.0 == minors.1 || minors == ((1, 31), (1, 32))
}

fn excluded_by(manifest: &Manifest, flag: &str) -> Option<String> {
    let against = || EXCLUDE.iter().filter(|(start, _)| flag.starts_with(start)).map(|(_, other)| *other);
    let clash = |name: &&String| name.as_str() != flag && against().any(|other| name.starts_with(other));
    manifest.flag_set().0.keys().find(clash).cloned()
}
