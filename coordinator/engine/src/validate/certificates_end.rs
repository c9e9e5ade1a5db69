//! No certificate of the cluster or of podlift ends soon.

use super::check::{Check, Verdict, failed, open, passed};
use super::{Ends, Group, Scene};
use crate::program::Severity;
use jiff::SignedDuration;
use podlift_model::count;

pub(super) const CHECK: Check = Check {
    id: "certificates-end",
    title: "No certificate ends soon",
    group: Group::Certificates,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubeadm certs check-expiration";

fn judge(scene: &Scene) -> Verdict {
    let all = match &scene.ends {
        Err(why) => return open(format!("the certificates can't be seen: {why}"), NEXT),
        Ok(all) if all.is_empty() => return open("no certificate was seen", NEXT),
        Ok(all) => all,
    };
    let soon = SignedDuration::from_hours(24 * i64::from(scene.expires_within_days));
    let mut bad: Vec<&Ends> =
        all.iter().filter(|end| end.not_after.duration_since(scene.at) <= soon).collect();
    bad.sort_by_key(|end| end.not_after);
    let Some(first) = bad.first() else {
        let next = all.iter().map(|end| end.not_after).min();
        let next = next.map(|at| format!(", the next one ends at {at}")).unwrap_or_default();
        return passed(format!("{} seen{next}", count(all.len(), "certificate")));
    };
    let line = |end: &&Ends| match end.not_after <= scene.at {
        true => format!("{} has ended at {}", end.what, end.not_after),
        false => format!("{} ends at {}", end.what, end.not_after),
    };
    let ended = first.not_after <= scene.at;
    failed(bad.iter().map(line).collect(), first.renew.clone()).means(if ended {
        Severity::Blocker
    } else {
        Severity::Warning
    })
}
