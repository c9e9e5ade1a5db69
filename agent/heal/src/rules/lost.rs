//! Flags without which a component still starts and means something else: who may do what, what is recorded, what is encrypted, where its
//! data is. One that the last good manifest had and this one lost comes back with its old value, where that provably can't stop the
//! component: the version knows the flag, no flag of now excludes it, and a path in its value is mounted from the node and is there
//! (`needs`: asked for before anything is written).

use super::{Finding, Fix, Situation};
use crate::manifest::Manifest;
use crate::splice::Edit;
use podlift_model::heal::HealKind;
use podlift_model::{FlagSet, KubeVersion};

/// Flags by name, and by what they begin with. All of them are known to Kubernetes 1.31 and 1.32 (none was removed between the two:
/// the published list of removed flags, and both versions' own help).
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

/// Flags that a component refuses beside each other: what begins with the one, where what begins with the other is set.
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

/// Whether its loss is no matter of taste. `etcd-servers` has rules of its own.
fn is_sensitive(flag: &str) -> bool {
    flag != "etcd-servers"
        && (NAMES.contains(&flag) || BEGINNINGS.iter().any(|start| flag.starts_with(start)))
}

pub(super) fn lost_flags(manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    let Some(good) = now.good else { return Vec::new() };
    let (had, has) = (good.flags(), manifest.flags());
    let empty = |set: &FlagSet, flag: &str| set.0.get(flag).is_none_or(|v| v.iter().all(String::is_empty));
    let lost = had.0.iter().filter(|(flag, _)| is_sensitive(flag) && !empty(&had, flag) && empty(&has, flag));
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

/// The edit that brings it back and the path it needs on the node, or why that is not certain to be right.
fn back(
    manifest: &Manifest,
    good: &Manifest,
    now: &Situation<'_>,
    flag: &str,
    values: &[String],
) -> Result<(Edit, Option<String>), String> {
    let [value] = values else { return Err("it was set more than once".into()) };
    if !good.values().any(|word| word == format!("--{flag}={value}")) {
        return Err("it was written in a form that can't be edited safely".into());
    }
    let (Some(from), Some(to)) = (good.version, manifest.version) else {
        return Err("the version of an image is unknown".into());
    };
    if !knows(from, to) {
        return Err(format!("whether {to} knows the flag of {from} is not certain"));
    }
    if let (true, Some(other)) = (flag.starts_with("etcd-"), now.other_etcd) {
        return Err(format!("the etcd endpoints answer as cluster {other}: somebody moved or restored etcd"));
    }
    if let Some(beside) = excluded_by(manifest, flag) {
        return Err(format!(
            "--{beside} is set now, which excludes it; podlift heal accept NODE COMPONENT takes the change over"
        ));
    }
    let needs = match value.starts_with('/') {
        false => None,
        true => Some(manifest.on_node(value).ok_or_else(|| {
            format!("{value} is not mounted from the node any more; repair the volume with the flag")
        })?),
    };
    let (flag, value) = (flag.to_string(), value.clone());
    let there = !manifest.find(&flag).is_empty();
    Ok((if there { Edit::Set { flag, value } } else { Edit::Insert { flag, value } }, needs))
}

/// A flag of the one version is certainly a flag of the other.
fn knows(from: KubeVersion, to: KubeVersion) -> bool {
    let minors = ((from.minor().major, from.minor().minor), (to.minor().major, to.minor().minor));
    minors.0 == minors.1 || minors == ((1, 31), (1, 32))
}

fn excluded_by(manifest: &Manifest, flag: &str) -> Option<String> {
    let against = || EXCLUDE.iter().filter(|(start, _)| flag.starts_with(start)).map(|(_, other)| *other);
    let flags = manifest.flags();
    let clash = |name: &&String| name.as_str() != flag && against().any(|other| name.starts_with(other));
    flags.0.keys().find(clash).cloned()
}
