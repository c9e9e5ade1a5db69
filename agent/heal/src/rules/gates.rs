//! Gates with which the component exits on its own image's version, and gates that the site does not want.

use super::{Finding, Fix, Situation};
use crate::manifest::Manifest;
use crate::splice::Edit;
use podlift_model::gates::fatal_text;
use podlift_model::heal::HealKind;

pub(super) fn fatal_gates(manifest: &Manifest) -> Vec<Finding> {
    let gates = manifest.flag_set().gates();
    let Some(version) = manifest.version else {
        let what = format!("image {} has no version in its tag", manifest.image);
        let report = || {
            Finding::reported(
                "image-version",
                HealKind::Rescue,
                what,
                "whether its gates are fatal is unknown",
            )
        };
        return (!gates.is_empty()).then(report).into_iter().collect();
    };
    let fatal = |(gate, value): (String, bool)| {
        let text = fatal_text(&gate, value, version.minor())?;
        let what = format!("{gate}={value} ends {} {version} at once: {text}", manifest.component);
        Some(Finding::fixed("gate-fatal", HealKind::Rescue, what, Fix::Edit(Edit::RemoveGate { gate })))
    };
    gates.into_iter().filter_map(fatal).collect()
}

pub(super) fn site_gates(manifest: &Manifest, now: &Situation<'_>) -> Vec<Finding> {
    let unwanted = manifest.flag_set().gates().into_iter().filter(|(gate, _)| now.site_gates.contains(gate));
    let finding = |(gate, value): (String, bool)| {
        let what =
            format!("{gate}={value} is on the list of gates that this site does not want (heal.site_gates)");
        match now.may_tidy() {
            Ok(()) => {
                Finding::fixed("site-gate", HealKind::Hygiene, what, Fix::Edit(Edit::RemoveGate { gate }))
            }
            Err(why) => Finding::reported("site-gate", HealKind::Hygiene, what, why),
        }
    };
    unwanted.map(finding).collect()
}
