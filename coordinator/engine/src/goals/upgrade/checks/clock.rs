//! Wall clocks that differ: they break the validity of certificates and the times in logs. podlift itself orders and limits nothing by a
//! wall clock, so this is only a warning.

use super::View;
use crate::program::{Finding, Severity, finding};

/// Milliseconds, which include the transit time of the answer.
const TOLERATED: u64 = 2000;

pub fn check(view: &View) -> Vec<Finding> {
    let off = view.input.clocks.iter().filter(|(_, ms)| ms.unsigned_abs() >= TOLERATED);
    off.map(|(node, ms)| {
        let way = if *ms > 0 { "ahead of" } else { "behind" };
        let evidence = format!(
            "its clock is {} {way} the coordinator's: certificates may be refused, and times in its logs are wrong; the run does not depend on it",
            length(ms.unsigned_abs())
        );
        finding("clock-skew", Severity::Warning, Some(node), evidence, &format!("ssh {node} timedatectl"))
    })
    .collect()
}

/// `2.4 s`, `5 m 10 s`, `1 h 00 m`.
fn length(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}
