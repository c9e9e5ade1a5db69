//! A ledger that grows for years: what it forgets, what it must keep, and what a crash during compaction leaves.

use super::tests::{accepted, epoch, op, open};
use super::*;
use crate::testing::MemFiles;
use podlift_model::Failure;

/// So long that a few of them make a file large.
fn outcome() -> OpOutcome {
    OpOutcome::Failed { failure: Failure::operator("x", "y".repeat(20_000)) }
}

fn id(run: &str, step: u32) -> OpId {
    op(&format!("{run}-s{step:04}-a1"))
}

fn run_op(ledger: &FileLedger, files: &MemFiles, op: &OpId) {
    ledger.accept(op, &accepted()).unwrap();
    for file in [paths::op_log(op), paths::op_exit(op)] {
        files.put(file, b"what it left");
    }
    ledger.started(op).unwrap();
    ledger.ended(op, &outcome()).unwrap();
}

fn size(files: &MemFiles) -> usize {
    files.read(Path::new(paths::LEDGER)).unwrap().len()
}

/// Runs `r01` … with five ops each.
fn years(runs: u32) -> (Arc<MemFiles>, FileLedger) {
    let files = Arc::new(MemFiles::default());
    let ledger = open(&files).unwrap();
    assert!(ledger.claim(&epoch(7, "a")).unwrap());
    for run in 1..=runs {
        for step in 1..=5 {
            run_op(&ledger, &files, &id(&format!("r{run:02}"), step));
        }
    }
    (files, ledger)
}

#[test]
fn it_stays_small_and_keeps_the_last_runs() {
    let (files, ledger) = years(40);
    assert!(size(&files) < 3 * compact::LARGE, "{} bytes", size(&files));
    let again = open(&files).unwrap();
    assert_eq!((again.id(), again.highest()), (ledger.id(), Some(epoch(7, "a"))));
    for known in [&ledger, &again] {
        assert_eq!(known.lookup(&id("r01", 1)), Lookup::Unknown);
        for run in ["r38", "r39", "r40"] {
            assert_eq!(known.lookup(&id(run, 1)), Lookup::Ended(outcome()), "{run}");
        }
    }
    let left = |run: &str| files.read(&paths::op_log(&id(run, 1))).is_ok();
    assert!(left("r40") && left("r38") && !left("r01"), "logs of forgotten ops are gone, others are not");
    // The ledger accepts records as before.
    run_op(&ledger, &files, &id("r41", 1));
    assert_eq!(open(&files).unwrap().lookup(&id("r41", 1)), Lookup::Ended(outcome()));
}

#[test]
fn an_op_that_has_not_ended_is_never_forgotten() {
    let files = Arc::new(MemFiles::default());
    let ledger = open(&files).unwrap();
    ledger.accept(&id("r00", 1), &accepted()).unwrap();
    ledger.started(&id("r00", 1)).unwrap();
    for run in 1..=20 {
        for step in 1..=5 {
            run_op(&ledger, &files, &id(&format!("r{run:02}"), step));
        }
    }
    assert_eq!(ledger.lookup(&id("r01", 1)), Lookup::Unknown, "it was made smaller");
    let open_op = OpenOp { op_id: id("r00", 1), accepted: accepted(), started: true };
    assert_eq!(open(&files).unwrap().open_ops(), [open_op]);
}

#[test]
fn one_long_run_is_kept_whole() {
    let files = Arc::new(MemFiles::default());
    let ledger = open(&files).unwrap();
    for step in 1..=60 {
        run_op(&ledger, &files, &id("r01", step));
    }
    assert!(size(&files) > compact::LARGE);
    assert!((1..=60).all(|step| ledger.lookup(&id("r01", step)) != Lookup::Unknown));
}

#[test]
fn a_crash_at_any_write_of_it_loses_nothing_that_counts() {
    let mut smaller = 0;
    for fail in 0..130 {
        let (files, ledger) = years(2);
        files.fail_after(fail);
        // Until the power fails.
        let crashed = (3..=9)
            .flat_map(|run| (1..=5).map(move |step| id(&format!("r{run:02}"), step)))
            .find(|op| ledger.accept(op, &accepted()).is_err() || ledger.ended(op, &outcome()).is_err());
        files.works_again();
        let again = open(&files).unwrap_or_else(|e| panic!("after {fail} writes: {e}"));
        assert_eq!((again.id(), again.highest()), (ledger.id(), Some(epoch(7, "a"))), "after {fail} writes");
        // The ledger that continued and one that starts anew know the same.
        let last = crashed.unwrap_or_else(|| id("r09", 5));
        for run in 1..=9 {
            for step in 1..=5 {
                let op = id(&format!("r{run:02}"), step);
                smaller += u32::from(again.lookup(&op) == Lookup::Unknown && run < 3);
                assert!(op == last || again.lookup(&op) == ledger.lookup(&op), "{op} after {fail} writes");
            }
        }
    }
    assert!(smaller > 0, "no crash came after it was made smaller: the range is too short");
}

#[test]
fn a_file_that_was_replaced_though_the_call_failed_is_the_one_that_counts() {
    let (files, ledger) = years(5);
    files.set_unsynced(true);
    for run in 6..=9 {
        (1..=5).for_each(|step| run_op(&ledger, &files, &id(&format!("r{run:02}"), step)));
    }
    assert_eq!(ledger.lookup(&id("r01", 1)), Lookup::Unknown, "it was made smaller");
    let again = open(&files).unwrap();
    for run in 1..=9 {
        let op = id(&format!("r{run:02}"), 5);
        assert_eq!(again.lookup(&op), ledger.lookup(&op), "{op}");
    }
}
