//! The known issues as they are seen before a run: services without an address, certificates that addresses really serve, Calico and its
//! operator. Their modules judge; here they become findings of a plan.

use super::{View, tigera};
use crate::issues::{self, IssueName, Observed, Sighting};
use crate::program::{Finding, Recorded, finding};

pub fn check(view: &View) -> Vec<Finding> {
    sightings(view).iter().filter_map(of).collect()
}

/// What is seen now, without a record to compare it with.
pub(super) fn sightings(view: &View) -> Vec<Sighting> {
    let Some(survey) = view.cluster() else { return vec![] };
    issues::seen(&Recorded::default(), &Observed::of(survey, view.input.now))
}

/// The two issues of a manifest have checks of their own, which know what the target's kubeadm would write.
fn of(sighting: &Sighting) -> Option<Finding> {
    let check = match sighting.issue {
        IssueName::LoadBalancers => "load-balancers",
        IssueName::IngressTls => "served-certificates",
        IssueName::CalicoOperator => tigera::ID,
        IssueName::EtcdServers | IssueName::FeatureGates => return None,
    };
    Some(finding(check, sighting.severity, None, sighting.what.clone(), &sighting.next))
}
