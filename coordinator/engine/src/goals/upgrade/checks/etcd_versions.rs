//! etcd's own version. kubeadm 1.34 moves a stacked etcd from 3.5 to 3.6. Members that an older 3.5 promoted from learners are learners
//! again under 3.6: "too many learner members", and etcd does not start (etcd-io/etcd#19557, #20793). `member list` does not show it, so
//! only versions can be judged. An external etcd stays as it is.

use super::View;
use crate::program::{Finding, Severity, finding};
use podlift_model::facts::EtcdMember;
use std::collections::BTreeSet;

const ID: &str = "etcd-versions";
type Version = [u32; 3];
/// A member that has run this version or a later one has written its own state correctly.
const SAFE: Version = [3, 5, 26];
/// kubeadm's ExternalEtcdVersion of 1.32 to 1.36. init and join require it, an upgrade does not.
const EXPECTED: Version = [3, 5, 24];
/// Earlier versions have no RequestWatchProgress, so that ConsistentListFromCache, which 1.34 locks on, falls back.
const WATCHED: Version = [3, 5, 13];
/// First minor of Kubernetes whose kubeadm brings etcd 3.6.
const MOVES: u16 = 34;

pub fn check(view: &View) -> Vec<Finding> {
    let stacked = view.config().map(|c| c.is_stacked());
    let mut members: BTreeSet<(Version, &str)> = BTreeSet::new();
    for member in view.input.etcd.values().flatten().flat_map(|s| &s.members) {
        members.extend(version(member).map(|v| (v, member.name.as_str())));
    }
    match stacked {
        Some(true) => self::stacked(view, &members).into_iter().chain(pinned(view)).collect(),
        _ => external(view, &members).into_iter().collect(),
    }
}

fn stacked(view: &View, members: &BTreeSet<(Version, &str)>) -> Option<Finding> {
    let to = view.input.to;
    let old = older(members, SAFE);
    if old.is_empty() || to.minor < MOVES {
        return None;
    }
    let evidence = format!(
        "{to} brings etcd 3.6, and these members have not run 3.5.26 or later: {old}. Learners that an older 3.5 promoted are learners again under 3.6, and etcd does not start: set etcd.local.imageTag to 3.5.26-0 or later, apply the present version again, take imageTag out, then plan anew"
    );
    Some(finding(ID, Severity::Blocker, None, evidence, "kubectl -n kube-system edit cm kubeadm-config"))
}

fn pinned(view: &View) -> Option<Finding> {
    let (to, config) = (view.input.to, view.config()?);
    let tag = config.etcd_image_tag().filter(|tag| tag.starts_with("3.5.") && to.minor >= MOVES)?;
    // Until 1.35 kubeadm writes flags of 3.6 depending on the image's tag, and from 1.36 on always.
    let (severity, end) = match to.minor {
        ..=35 => (Severity::Warning, "etcd stays at 3.5"),
        _ => (Severity::Blocker, "kubeadm writes flags that etcd 3.5 does not know"),
    };
    let evidence = format!("etcd.local.imageTag of kubeadm-config pins etcd to {tag}, and with {to} {end}");
    Some(finding(ID, severity, None, evidence, "kubectl -n kube-system edit cm kubeadm-config"))
}

fn external(view: &View, members: &BTreeSet<(Version, &str)>) -> Option<Finding> {
    let to = view.input.to;
    let oldest = members.first()?.0;
    let next = "etcdctl endpoint status --cluster -w table";
    let (severity, limit, what) = match oldest {
        v if v < WATCHED && to.minor >= MOVES => {
            (Severity::Warning, WATCHED, "lists are answered slowly without 3.5.13 or later")
        }
        v if v < EXPECTED => {
            (Severity::Note, EXPECTED, "kubeadm's init and join ask for 3.5.24, an upgrade does not")
        }
        v if v < SAFE && to.minor >= MOVES => {
            (Severity::Note, SAFE, "before etcd itself goes to 3.6, every member has to run 3.5.26 or later")
        }
        _ => return None,
    };
    let brings = if view.input.bcm.is_some() { ". BCM brings etcd with its package cm-etcd" } else { "" };
    let evidence =
        format!("external etcd, which the upgrade leaves alone: {}; {what}{brings}", older(members, limit));
    Some(finding(ID, severity, None, evidence, next))
}

/// Members below the limit: `runai-01 3.5.16, runai-02 3.5.21`.
fn older(members: &BTreeSet<(Version, &str)>, limit: Version) -> String {
    let old = members.iter().filter(|(v, _)| *v < limit);
    let text = old.map(|([major, minor, patch], name)| format!("{name} {major}.{minor}.{patch}"));
    text.collect::<Vec<_>>().join(", ")
}

/// `None` if the member did not report it, or it can't be read.
fn version(member: &EtcdMember) -> Option<Version> {
    let plain = member.version.trim_start_matches('v').split(['-', '+']).next()?;
    let parts: Vec<u32> = plain.split('.').map_while(|p| p.parse().ok()).collect();
    parts.try_into().ok()
}
