//! Checks that are made of sightings: what the known issues show of a validation's scene.

use super::Scene;
use super::check::{Verdict, failed};
use crate::issues::{IssueName, Observed, Sighting, seen_of};
use crate::program::{Recorded, Severity};
use crate::survey::ClusterSurvey;

/// The sightings of one issue.
pub(super) fn sightings(scene: &Scene, issue: IssueName) -> Vec<Sighting> {
    let mut survey = ClusterSurvey::unseen("it is no part of a validation");
    survey.load_balancers = scene.load_balancers.clone();
    survey.served = scene.served.clone().unwrap_or_default();
    // The ingresses were read for what they serve.
    survey.ingresses = scene.served.as_ref().map(|_| vec![]).map_err(Clone::clone);
    survey.tigera = scene.calico.as_ref().map(|calico| calico.status.clone()).map_err(Clone::clone);
    survey.calico = scene.calico.clone();
    // What BCM offers of it is in the view.
    survey.applications = Ok(None);
    let none = Recorded::default();
    seen_of(issue, scene.before.as_ref().unwrap_or(&none), &Observed::of(&survey, scene.at))
}

/// The failure of a check by its sightings, as bad as the worst of them; `None` without one. A note is no failure.
pub(super) fn failure(sightings: &[Sighting]) -> Option<Verdict> {
    let mut bad: Vec<&Sighting> = sightings.iter().filter(|s| s.severity < Severity::Note).collect();
    bad.sort_by_key(|sighting| sighting.severity);
    let worst = bad.first()?;
    let lines = bad.iter().map(|sighting| sighting.what.clone()).collect();
    Some(failed(lines, worst.next.clone()).means(worst.severity))
}

/// The sentences of notes.
pub(super) fn notes(sightings: &[Sighting]) -> Vec<String> {
    sightings.iter().filter(|s| s.severity == Severity::Note).map(|s| s.what.clone()).collect()
}
