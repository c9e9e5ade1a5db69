//! Documents as text for people. Pure functions of a document and a screen.

pub(super) mod backup;
pub(super) mod batch;
#[cfg(test)]
mod bcm_tests;
pub(super) mod beyond;
pub(super) mod clock;
pub(super) mod clusters;
#[cfg(test)]
pub(crate) mod course_tests;
pub(super) mod deviations;
pub(super) mod event;
pub(super) mod fleet;
pub(super) mod folded;
pub(super) mod heal;
pub(super) mod issues;
pub(super) mod jobs;
pub(super) mod junit;
pub(super) mod node;
pub(super) mod numbers;
pub(super) mod page;
pub(super) mod place;
pub(super) mod plan;
pub(super) mod report;
pub(super) mod runs;
pub(super) mod shared;
pub(super) mod slowest;
pub(super) mod status;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod validate;

use jiff::Timestamp;
use podlift_engine::machine::{ProbeKind, Probed};
use podlift_engine::program::GoalName;
use podlift_model::KubeVersion;

/// `3 of 2400 reads failed, longest gap 0.2 s: connection refused`.
pub(super) fn reads(counts: &Probed) -> String {
    probes(ProbeKind::Read, counts)
}

/// The same for each kind of probe: `none of 2400 dry-run writes failed`.
pub(super) fn probes(kind: ProbeKind, counts: &Probed) -> String {
    let Probed { requests, failed, longest_gap_ms, why } = counts;
    let what = match kind {
        ProbeKind::Read => "reads",
        ProbeKind::Write => "dry-run writes",
        ProbeKind::Watch => "openings of a watch",
    };
    match failed {
        0 => format!("none of {requests} {what} failed"),
        _ => {
            let gap = *longest_gap_ms as f64 / 1000.0;
            format!("{failed} of {requests} {what} failed, longest gap {gap:.2} s: {why}")
        }
    }
}

/// What a run is for: `v1.31.9 to v1.32.9`, or `repair at v1.32.9`.
pub(super) fn aim(goal: GoalName, from: KubeVersion, to: KubeVersion) -> String {
    match goal {
        GoalName::Upgrade => format!("{from} to {to}"),
        GoalName::Repair => format!("repair at {to}"),
    }
}

/// `v1.32.9`, or `-`.
pub(super) fn version(version: Option<KubeVersion>) -> String {
    version.map_or("-".into(), |v| v.to_string())
}

/// `2026-11-22 02:14:07Z`.
pub(super) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `02:14:07`.
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// `41 s`, `12 m 03 s`, `1 h 02 m`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} m {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} m", whole / 3600, whole % 3600 / 60),
    }
}
