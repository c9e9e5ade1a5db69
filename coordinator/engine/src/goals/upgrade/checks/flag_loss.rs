//! Flags that the upgrade would lose. What the run repairs is a prevention and no finding; what it can't repair is a blocker; what is
//! waived is reported again, with the reason.

use super::View;
use crate::program::{FLAG_LOSS, Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let waiver = view.input.waivers.iter().find(|w| w.check == FLAG_LOSS);
    let lost = view.cause.unrepairable.iter();
    match waiver {
        Some(w) => lost
            .cloned()
            .chain(view.cause.prevented.iter().map(|p| p.what.clone()))
            .map(|what| {
                let evidence =
                    format!("waived by {} ({}): {what}; without the waiver it is repaired", w.by, w.reason);
                finding(FLAG_LOSS, Severity::Warning, None, evidence, &view.again())
            })
            .collect(),
        None => lost
            .map(|what| {
                let evidence = format!("{what}: mend it, or waive it where the loss is meant");
                let next = format!("{} --waive flag-loss=REASON", view.again());
                finding(FLAG_LOSS, Severity::Blocker, None, evidence, &next)
            })
            .collect(),
    }
}
