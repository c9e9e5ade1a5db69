//! Issue: a LoadBalancer service that is gone, or has another address than before.

use super::{Fact, IssueName, Mend, Observed, Page, Sighting};
use crate::program::{Recorded, Severity};
use crate::survey::LoadBalancerView;
use std::collections::BTreeSet;

pub(super) const PAGE: Page = Page {
    explains: "BCM, Helm or another controller applies its own objects during an upgrade and deletes services that it does not know. A service that is made anew gets the next free address of the pool.",
    means: "The address of the ingress or of Run:ai does not answer, although the pods behind it run. With another address, the host name leads nowhere.",
    repairs: "The service is created again from the raw copy of the backup, with the same cluster IP, node ports and selectors, and the address is pinned in the way of its provider. A service that exists is never replaced.",
    asks: Some("service-restore"),
};

/// How a service differs from its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Gone,
    /// Another address, or none.
    Address,
    /// Another provider gives the same address.
    Provider,
}

/// One difference, with its sentence.
pub struct Difference<'a> {
    pub was: &'a LoadBalancerView,
    pub change: Change,
    pub what: String,
}

impl Difference<'_> {
    pub fn severity(&self) -> Severity {
        match self.change {
            Change::Gone | Change::Address => Severity::Blocker,
            Change::Provider => Severity::Warning,
        }
    }

    /// The command that shows the object.
    pub fn next(&self) -> String {
        format!("kubectl -n {} get service {} -o yaml", self.was.namespace, self.was.name)
    }
}

/// The services of the record that are not as they were.
pub fn differences<'a>(before: &'a [LoadBalancerView], now: &[LoadBalancerView]) -> Vec<Difference<'a>> {
    before.iter().filter_map(|was| difference(was, now)).collect()
}

fn difference<'a>(was: &'a LoadBalancerView, now: &[LoadBalancerView]) -> Option<Difference<'a>> {
    let name = format!("{}/{}", was.namespace, was.name);
    let of = |change, what| Some(Difference { was, change, what });
    let Some(is) = now.iter().find(|s| (&s.namespace, &s.name) == (&was.namespace, &was.name)) else {
        return of(Change::Gone, format!("service {name} is gone or no LoadBalancer any more"));
    };
    let set = |s: &LoadBalancerView| s.addresses.iter().cloned().collect::<BTreeSet<_>>();
    if set(is) != set(was) {
        let text = |s: &LoadBalancerView| {
            if s.addresses.is_empty() { "none".into() } else { s.addresses.join(", ") }
        };
        return of(
            Change::Address,
            format!("service {name} has address {} instead of {}", text(is), text(was)),
        );
    }
    if was.assigned_by.is_some() && is.assigned_by != was.assigned_by {
        let by = |s: &LoadBalancerView| s.assigned_by.clone().unwrap_or_else(|| "nobody known".into());
        let what = format!("the address of service {name} is now given by {}, it was {}", by(is), by(was));
        return of(Change::Provider, what);
    }
    None
}

pub(super) fn seen(before: &Recorded, now: &Observed) -> Vec<Sighting> {
    let Ok(is) = &now.survey.load_balancers else { return vec![] };
    let recorded = before.load_balancers.as_deref().unwrap_or_default();
    let changed = differences(recorded, is).into_iter().map(|difference| changed(now, &difference));
    // One that never had an address is no change, and no use either.
    let had = |s: &LoadBalancerView| {
        let same = |was: &&LoadBalancerView| (&was.namespace, &was.name) == (&s.namespace, &s.name);
        recorded.iter().find(same).is_some_and(|was| !was.addresses.is_empty())
    };
    let without = is.iter().filter(|s| s.addresses.is_empty() && !had(s)).map(without_address);
    changed.chain(without).collect()
}

fn changed(now: &Observed, difference: &Difference<'_>) -> Sighting {
    let was = difference.was;
    let mend = Mend::RestoreService { namespace: was.namespace.clone(), name: was.name.clone() };
    let object = mend.object();
    let had = if was.addresses.is_empty() { "no address".into() } else { was.addresses.join(", ") };
    let by = was.assigned_by.as_deref().map(|by| format!(", given by {by}")).unwrap_or_default();
    let mut evidence = vec![Fact::new(format!("it had {had}{by}"), "the record from before the run")];
    let mut all = now.survey.load_balancers.iter().flatten();
    let is = all.find(|s| (&s.namespace, &s.name) == (&was.namespace, &was.name));
    evidence.push(match is {
        Some(is) => Fact::new(format!("it has {}", is.addresses.join(", ")), object.clone()),
        None => Fact::new(
            "no such service of type LoadBalancer",
            format!("services of namespace {}", was.namespace),
        ),
    });
    let gone = difference.change == Change::Gone;
    Sighting {
        issue: IssueName::LoadBalancers,
        since: now.writers.get(&object).and_then(|writer| writer.at),
        what: difference.what.clone(),
        evidence,
        by: now.writers.get(&object).cloned(),
        severity: difference.severity(),
        next: if gone { "podlift repair --issue load-balancers".into() } else { difference.next() },
        mend: gone.then_some(mend),
        object,
    }
}

fn without_address(s: &LoadBalancerView) -> Sighting {
    let wanted = s.requested.as_ref().map(|r| format!(", it asks for {r}")).unwrap_or_default();
    Sighting {
        issue: IssueName::LoadBalancers,
        object: format!("service {}/{}", s.namespace, s.name),
        since: None,
        what: format!("LoadBalancer service {}/{} has no address{wanted}", s.namespace, s.name),
        evidence: vec![],
        by: None,
        severity: Severity::Warning,
        mend: None,
        next: format!("kubectl -n {} describe service {}", s.namespace, s.name),
    }
}
