//! The validation of a cluster after its upgrade: one check a file, each a pure function over what was looked at. What could not be looked
//! at leaves its check open; it never passes.

mod addons;
mod addresses;
mod bcm;
mod calico;
mod certificates_end;
mod check;
mod component_versions;
mod dns;
mod document;
mod etcd;
mod events;
mod gpus;
mod node_versions;
mod pods;
mod running_images;
mod scene;
mod sighted;
mod site;
mod static_pods;
mod storage;
#[cfg(test)]
mod tests;
mod tls;
mod webhooks;

pub use document::{Checked, Counts, Group, Outcome, SCHEMA, Validation};
pub use scene::{
    BcmSeen, Ends, EventGroup, GpuSeen, ImageSeen, NameAnswer, NotReady, Scene, SiteOutcome, SiteSeen,
    StaticPod, StorageSeen, WebhookSeen,
};

use check::Check;

/// In the order of the document.
const CHECKS: [Check; 17] = [
    node_versions::CHECK,
    component_versions::CHECK,
    running_images::CHECK,
    addons::CHECK,
    static_pods::CHECK,
    etcd::CHECK,
    webhooks::CHECK,
    dns::CHECK,
    calico::CHECK,
    addresses::CHECK,
    tls::CHECK,
    pods::CHECK,
    events::CHECK,
    gpus::CHECK,
    storage::CHECK,
    bcm::CHECK,
    certificates_end::CHECK,
];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("check {0:?} is not known: expected one of {ids}, or site:NAME for a script of the site", ids = ids().join(", "))]
pub struct UnknownCheck(pub String);

/// Ids of the checks that every site has.
pub fn ids() -> Vec<&'static str> {
    CHECKS.iter().map(|check| check.id).collect()
}

/// Refuses an id that no check has. Scripts of the site are not known here.
pub fn known(id: &str) -> Result<(), UnknownCheck> {
    let script = id.strip_prefix(site::PREFIX).is_some_and(|name| !name.is_empty());
    if script || ids().contains(&id) { Ok(()) } else { Err(UnknownCheck(id.into())) }
}

/// All checks, or only those with these ids.
pub fn validate(scene: &Scene, only: &[String]) -> Validation {
    let wanted = |id: &str| only.is_empty() || only.iter().any(|wanted| wanted == id);
    let made = CHECKS.iter().filter(|check| wanted(check.id)).map(|check| check.make(scene));
    let site = site::checks(scene).into_iter().filter(|check| wanted(&check.id));
    let mut checks: Vec<Checked> = made.chain(site).collect();
    checks.extend(only.iter().filter_map(|id| absent(id, &checks)).collect::<Vec<_>>());
    let count = |result: Outcome| checks.iter().filter(|check| check.result == result).count() as u32;
    let counts =
        Counts { passed: count(Outcome::Passed), failed: count(Outcome::Failed), open: count(Outcome::Open) };
    Validation { schema: SCHEMA.into(), at: scene.at, run: scene.run.clone(), checks, counts }
}

/// A script that was asked for by name and is not there.
fn absent(id: &str, made: &[Checked]) -> Option<Checked> {
    let name = id.strip_prefix(site::PREFIX)?;
    (!made.iter().any(|check| check.id == id)).then(|| {
        check::open(format!("/etc/podlift/checks.d has no script {name}"), "ls -l /etc/podlift/checks.d")
            .checked(
                id.into(),
                format!("Script {name} of the site"),
                Group::Site,
                crate::program::Severity::Warning,
            )
    })
}
