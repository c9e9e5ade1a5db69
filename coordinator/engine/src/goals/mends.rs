//! The steps that repair known issues, one for each object that the plan knows. Each looks first, and does nothing where all is well.

use super::PlanInput;
use crate::analysis::record_of;
use crate::doors::RolloutKind;
use crate::issues::{self, IssueName, Mend, Observed, Sighting};
use crate::program::Recorded;
use crate::steps::{CalicoStable, RemoveOperator, RestartRollout, RestoreSecret, RestoreService, StepKind};
use crate::survey::{PodView, ServedCertificate};
use std::collections::BTreeSet;

/// Steps for all that an upgrade may take away: each service with an address, each TLS secret that an ingress names.
pub(super) fn of_record(input: &PlanInput) -> Vec<StepKind> {
    let recorded = record_of(input.cluster_survey.as_ref(), std::iter::empty());
    let mut mends: BTreeSet<Mend> = BTreeSet::new();
    let services = recorded.load_balancers.iter().flatten().filter(|s| !s.addresses.is_empty());
    mends.extend(
        services.map(|s| Mend::RestoreService { namespace: s.namespace.clone(), name: s.name.clone() }),
    );
    mends.extend(recorded.tls_secrets.iter().filter_map(|name| {
        let (namespace, name) = name.split_once('/')?;
        Some(Mend::RestoreSecret { namespace: namespace.into(), name: name.into() })
    }));
    let seen = input.cluster_survey.as_ref().ok().map(|survey| Observed::of(survey, input.now));
    let seen = seen.map(|now| issues::seen_of(IssueName::CalicoOperator, &Recorded::default(), &now));
    mends.extend(seen.into_iter().flatten().filter_map(|sighting| sighting.mend));
    steps(input, &mends)
}

/// Steps for what is seen to be wrong now, of the issues that a repair is asked for.
pub(super) fn of_sightings(input: &PlanInput, sightings: &[Sighting]) -> Vec<StepKind> {
    let mends: BTreeSet<Mend> = sightings.iter().filter_map(|sighting| sighting.mend.clone()).collect();
    steps(input, &mends)
}

/// What is wrong now, against the record of the last run, of the issues that are asked for.
pub(super) fn sightings(input: &PlanInput, before: &Recorded) -> Vec<Sighting> {
    let Ok(survey) = &input.cluster_survey else { return vec![] };
    let asked = |sighting: &Sighting| input.issues.is_empty() || input.issues.contains(&sighting.issue);
    let now = Observed { secrets: input.secrets.clone(), ..Observed::of(survey, input.now) };
    issues::seen(before, &now).into_iter().filter(asked).collect()
}

/// Puts what is to be restored into the record of a repair, as it was before it went. What is seen now would be taken for right.
pub(super) fn carry(recorded: &mut Recorded, before: &Recorded, sightings: &[Sighting]) {
    for sighting in sightings {
        let Some(Mend::RestoreService { namespace, name }) = &sighting.mend else { continue };
        let was = before.load_balancers.iter().flatten();
        let was = was.filter(|s| s.namespace == *namespace && s.name == *name).cloned();
        if let Ok(all) = &mut recorded.load_balancers {
            all.retain(|s| s.namespace != *namespace || s.name != *name);
            all.extend(was);
        }
    }
    let restored = |served: &ServedCertificate| {
        let object = format!("{} at {}", served.server_name, served.address);
        sightings.iter().any(|s| s.object == object && matches!(s.mend, Some(Mend::RestoreSecret { .. })))
    };
    if let Ok(all) = &mut recorded.served {
        all.retain(|served| !restored(served));
        all.extend(before.served.iter().flatten().filter(|served| restored(served)).cloned());
    }
}

/// In the order of the runbook: Calico first, because without a network nothing else comes back; services before certificates, because a
/// certificate is proven at the address of a service; then the pods that read the certificates.
fn steps(input: &PlanInput, mends: &BTreeSet<Mend>) -> Vec<StepKind> {
    let mut out: Vec<StepKind> = vec![];
    if mends.contains(&Mend::RemoveOperator) {
        out.extend([RemoveOperator {}.into(), CalicoStable {}.into()]);
    }
    out.extend(mends.iter().filter_map(|mend| match mend {
        Mend::RestoreService { namespace, name } => Some(RestoreService::of(namespace, name).into()),
        _ => None,
    }));
    let secrets: Vec<StepKind> = mends
        .iter()
        .filter_map(|mend| match mend {
            Mend::RestoreSecret { namespace, name } => Some(RestoreSecret::of(namespace, name).into()),
            _ => None,
        })
        .collect();
    if !secrets.is_empty() {
        out.extend(secrets);
        out.extend(restarts(input));
    }
    out
}

/// The workloads of Run:ai, its backend first.
fn restarts(input: &PlanInput) -> Vec<StepKind> {
    let pods = input.cluster_survey.as_ref().ok().and_then(|survey| survey.pods.as_ref().ok());
    let pods = pods.map(Vec::as_slice).unwrap_or_default();
    let controllers = input.cluster_survey.iter().flat_map(|survey| survey.controllers.iter().flatten());
    let defaults: BTreeSet<String> = controllers.filter_map(|c| c.default_certificate.clone()).collect();
    let defaults = &defaults;
    let of = |namespace: &'static str| {
        let here = pods.iter().filter(move |pod| pod.namespace == namespace && !pod.finished);
        let workloads: BTreeSet<(RolloutKind, String)> = here.filter_map(workload).collect();
        workloads
            .into_iter()
            .map(move |(kind, name)| {
                RestartRollout::of(kind, namespace, &name).with_defaults(defaults.clone())
            })
            .map(StepKind::from)
    };
    RestartRollout::NAMESPACES.into_iter().flat_map(of).collect()
}

/// The object whose rollout makes the pod anew; `None` for pods of jobs and of nothing. Workloads of people (training jobs, workspaces) have
/// GPUs or a gang, or people in them, and are never restarted.
fn workload(pod: &PodView) -> Option<(RolloutKind, String)> {
    if pod.gpus > 0 || pod.gang.is_some() || pod.interactive || pod.gpu_by.is_some() {
        return None;
    }
    let (kind, name) = pod.owner.as_deref()?.split_once('/')?;
    match kind {
        "StatefulSet" => Some((RolloutKind::StatefulSet, name.into())),
        "DaemonSet" => Some((RolloutKind::DaemonSet, name.into())),
        // A Deployment's ReplicaSet has its name and the hash of the pods' template, which is a label of theirs.
        "ReplicaSet" => {
            let hash = pod.labels.get("pod-template-hash")?;
            let name = name.strip_suffix(hash.as_str())?.strip_suffix('-')?;
            Some((RolloutKind::Deployment, name.into()))
        }
        "Deployment" => Some((RolloutKind::Deployment, name.into())),
        _ => None,
    }
}

#[cfg(test)]
#[path = "mends_tests.rs"]
mod tests;
