//! Kinds of all documents: JSON that leaves the process that made it. A kind is `podlift.NAME/vN`; N rises only if an older reader would
//! misunderstand the document.

// From an agent to the coordinator.

pub const FACTS: &str = "podlift.facts/v1";
/// What an op or a look found.
pub const OUTPUT: &str = "podlift.output/v1";
/// One heal of a node.
pub const HEAL_EVENT: &str = "podlift.heal-event/v1";
/// The older name of `HEAL_EVENT`, which was also that of another document. Coordinators read it for one more release.
pub const HEAL_EVENT_OLD: &str = "podlift.heal/v1";

// Files.

pub const LEDGER: &str = "podlift.ledger/v1";
pub const EVENT: &str = "podlift.event/v1";
pub const ARCHIVE: &str = "podlift.archive/v1";
pub const BACKUP: &str = "podlift.backup/v1";

// For people and their programs.

pub const PLAN: &str = "podlift.plan/v1";
pub const STATUS: &str = "podlift.status/v1";
pub const NODE: &str = "podlift.node/v1";
pub const RUNS: &str = "podlift.runs/v1";
pub const REPORT: &str = "podlift.report/v1";
/// The heal of the fleet: `podlift heal status`.
pub const HEAL: &str = "podlift.heal/v1";
pub const BACKUPS: &str = "podlift.backups/v1";
pub const BACKUP_CHECK: &str = "podlift.backup-check/v1";

/// Every kind that a podlift of this version writes.
pub const ALL: [&str; 15] = [
    FACTS,
    OUTPUT,
    HEAL_EVENT,
    LEDGER,
    EVENT,
    ARCHIVE,
    BACKUP,
    PLAN,
    STATUS,
    NODE,
    RUNS,
    REPORT,
    HEAL,
    BACKUPS,
    BACKUP_CHECK,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn two_documents_never_share_a_kind() {
        assert_eq!(ALL.into_iter().collect::<BTreeSet<_>>().len(), ALL.len());
        for kind in ALL {
            assert!(kind.starts_with("podlift.") && kind.ends_with("/v1"), "{kind}");
        }
    }
}
