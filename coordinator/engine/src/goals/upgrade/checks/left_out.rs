//! Workers that the plan leaves out, each with the reason.

use super::View;
use crate::program::{Finding, Severity, finding};

pub fn check(view: &View) -> Vec<Finding> {
    let out = view.left_out.iter();
    out.map(|out| {
        let evidence = format!("the run leaves it out, {}", out.why);
        finding(
            "left-out",
            Severity::Note,
            Some(&out.node),
            evidence,
            &format!("podlift include {}", out.node),
        )
    })
    .collect()
}
