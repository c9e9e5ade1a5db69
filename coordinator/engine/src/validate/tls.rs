//! The addresses serve the certificates that they served before, as a client sees them, and their pages answer.

use super::check::{Check, Verdict, failed, open, passed};
use super::sighted::{failure, sightings};
use super::{Group, Scene};
use crate::issues::IssueName;
use crate::program::Severity;
use crate::survey::ServedCertificate;
use podlift_model::count;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "tls",
    title: "Addresses serve their certificates",
    group: Group::Network,
    severity: Severity::Blocker,
    judge,
};

const NEXT: &str = "kubectl get ingresses -A";

fn judge(scene: &Scene) -> Verdict {
    let served = match &scene.served {
        Err(why) => return open(format!("the certificates can't be seen: {why}"), NEXT),
        Ok(served) => served,
    };
    if let Some(verdict) = failure(&sightings(scene, IssueName::IngressTls)) {
        return verdict;
    }
    let (pages, bad): (Vec<String>, Vec<String>) = pages(served);
    if !bad.is_empty() {
        return failed(bad, NEXT).means(Severity::Warning);
    }
    let whose = |s: &ServedCertificate| (s.address.clone(), s.server_name.clone());
    let places = served.iter().map(whose).collect::<BTreeSet<_>>().len();
    if let Some((first, more)) = scene.unasked.split_first() {
        return open(first.clone(), NEXT).and(more.iter().cloned()).and(pages);
    }
    match (scene.before.as_ref().and_then(|before| before.served.as_ref()), places) {
        (Err(why), _) => open(
            format!("{} valid; there is no record to compare them with: {why}", count(places, "certificate")),
            NEXT,
        )
        .and(pages),
        (Ok(before), 0) if before.iter().any(|s| s.certificate.is_ok()) => {
            open("no address was asked for its certificate, and some served one before", NEXT)
        }
        (Ok(_), 0) => passed("no address serves TLS, and none did before"),
        (Ok(_), _) => passed(format!("{} as recorded", count(places, "address with its name"))).and(pages),
    }
}

/// Pages that answer, and those that do not.
fn pages(served: &[ServedCertificate]) -> (Vec<String>, Vec<String>) {
    let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
    for one in served {
        match &one.page {
            None => {}
            Some(Err(why)) => drop(bad.insert(format!("https://{} gives no page: {why}", one.server_name))),
            Some(Ok(page)) => {
                let text =
                    format!("https://{} answers {}, title {:?}", one.server_name, page.status, page.title);
                match page.status {
                    500.. => bad.insert(text),
                    _ => good.insert(text),
                };
            }
        }
    }
    (good.into_iter().collect(), bad.into_iter().collect())
}
