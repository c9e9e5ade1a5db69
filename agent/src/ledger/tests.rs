//! What the ledger survives and what it refuses.

use super::*;
use crate::testing::MemFiles;
use podlift_model::{Failure, HostOp, InstanceId};
use std::time::Duration;

fn node() -> NodeName {
    NodeName::new("runai-01").unwrap()
}
pub(super) fn op(id: &str) -> OpId {
    OpId::new(id).unwrap()
}
pub(super) fn epoch(number: u64, instance: &str) -> Epoch {
    Epoch { number, instance: InstanceId::new(instance).unwrap() }
}
pub(super) fn open(files: &Arc<MemFiles>) -> Result<FileLedger, LedgerError> {
    FileLedger::open(files.clone(), &node(), "machine-1")
}
pub(super) fn accepted() -> Accepted {
    let at = "2026-11-22T00:00:00Z".parse().unwrap();
    let op = HostOp::GuardArm { allow: vec![], run: RunId::new("r1").unwrap(), seconds: 5 };
    Accepted {
        op,
        epoch: epoch(1, "a"),
        boot: "b1".parse().unwrap(),
        at,
        since_boot: Duration::from_millis(1500),
    }
}

fn filled() -> Arc<MemFiles> {
    let files = Arc::new(MemFiles::default());
    let ledger = open(&files).unwrap();
    assert!(ledger.claim(&epoch(1, "a")).unwrap());
    ledger.accept(&op("one"), &accepted()).unwrap();
    ledger.ended(&op("one"), &OpOutcome::Failed { failure: Failure::operator("x", "y") }).unwrap();
    ledger.accept(&op("two"), &accepted()).unwrap();
    ledger.started(&op("two")).unwrap();
    files
}

#[test]
fn everything_is_there_after_a_restart() {
    let files = filled();
    let (first, again) = (open(&files).unwrap().id(), open(&files).unwrap());
    assert_eq!(again.id(), first);
    assert_eq!(again.highest(), Some(epoch(1, "a")));
    assert!(matches!(again.lookup(&op("one")), Lookup::Ended(OpOutcome::Failed { .. })));
    assert_eq!(again.lookup(&op("two")), Lookup::Running);
    assert_eq!(again.lookup(&op("three")), Lookup::Unknown);
    assert_eq!(again.open_ops(), [OpenOp { op_id: op("two"), accepted: accepted(), started: true }]);
    assert_eq!(again.runs(), [RunId::new("r1").unwrap()]);
}

#[test]
fn epochs_only_grow() {
    let ledger = open(&filled()).unwrap();
    for (claim, want) in
        [((1, "a"), true), ((1, "b"), false), ((0, "a"), false), ((2, "b"), true), ((1, "a"), false)]
    {
        assert_eq!(ledger.claim(&epoch(claim.0, claim.1)).unwrap(), want, "{claim:?}");
    }
}

#[test]
fn a_last_line_cut_anywhere_was_never_acknowledged() {
    let whole = filled().read(Path::new(paths::LEDGER)).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for cut in last..whole.len() {
        let files = Arc::new(MemFiles::default());
        files.put(paths::LEDGER, &whole[..cut]);
        let ledger = open(&files).unwrap();
        assert!(!ledger.open_ops()[0].started, "cut at {cut}");
        ledger.started(&op("two")).unwrap();
        assert!(open(&files).unwrap().open_ops()[0].started, "and it is writable again");
    }
}

#[test]
fn damage_anywhere_else_is_refused_with_the_line() {
    let whole = filled().text(paths::LEDGER);
    let lines: Vec<&str> = whole.lines().collect();
    let without = |i: usize| {
        lines.iter().enumerate().filter(|(n, _)| *n != i).map(|(_, l)| format!("{l}\n")).collect::<String>()
    };
    let cases = [
        (String::new(), "line 1"),
        ("garbage\n".into(), "line 1"),
        (whole.replacen("accepted", "acceptee", 1), "line 3"),
        (without(2), "line 3"),
        (without(0), "line 1"),
        (format!("{whole}\n"), "line 7"),
        (whole.replacen("\n", "", 1), "line 1"),
        (whole.replacen("ledger/v1", "ledger/v9", 1), "line 1"),
    ];
    for (text, want) in cases {
        let files = Arc::new(MemFiles::default());
        files.put(paths::LEDGER, text.as_bytes());
        let e = open(&files).err().unwrap().to_string();
        assert!(e.contains(want) && e.contains("move it away"), "{want}: {e}");
    }
}

#[test]
fn a_cloned_disk_is_refused() {
    let files = filled();
    let other =
        FileLedger::open(files.clone(), &NodeName::new("runai-02").unwrap(), "machine-1").err().unwrap();
    assert!(other.to_string().contains("belongs to node runai-01, this is runai-02"), "{other}");
    let other = FileLedger::open(files, &node(), "machine-2").err().unwrap();
    assert!(other.to_string().contains("machine-id machine-1, this is machine-2: a cloned disk?"), "{other}");
}

#[test]
fn a_full_disk_refuses_and_leaves_nothing_half_written() {
    let files = filled();
    let ledger = open(&files).unwrap();
    files.set_full(true);
    assert!(matches!(ledger.accept(&op("three"), &accepted()), Err(LedgerError::Io { .. })));
    assert_eq!(ledger.lookup(&op("three")), Lookup::Unknown);
    files.set_full(false);
    ledger.accept(&op("four"), &accepted()).unwrap();
    let again = open(&files).unwrap();
    assert_eq!((again.lookup(&op("three")), again.lookup(&op("four"))), (Lookup::Unknown, Lookup::Running));
}

#[test]
fn a_lost_ledger_has_another_id_and_knows_nobody() {
    let files = filled();
    let before = open(&files).unwrap().id();
    files.remove(Path::new(paths::LEDGER)).unwrap();
    let after = open(&files).unwrap();
    assert_ne!(after.id(), before);
    assert_eq!((after.highest(), after.open_ops()), (None, vec![]));
}
