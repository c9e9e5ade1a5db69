//! Records of a newer podlift, after a downgrade to this version.

use super::tests::{accepted, epoch, op, open};
use super::*;
use crate::testing::MemFiles;
use serde_json::json;

/// Appends these records to the ledger, with the following numbers.
fn with(files: &MemFiles, records: &[serde_json::Value]) {
    let mut text = files.text(paths::LEDGER);
    for record in records {
        let mut record = record.clone();
        record["seq"] = json!(text.lines().count());
        text.push_str(&String::from_utf8(write_line(&record).unwrap()).unwrap());
    }
    files.put(paths::LEDGER, text.as_bytes());
}

fn begun() -> Arc<MemFiles> {
    let files = Arc::new(MemFiles::default());
    let ledger = open(&files).unwrap();
    assert!(ledger.claim(&epoch(1, "a")).unwrap());
    for name in ["one", "two"] {
        ledger.accept(&op(name), &accepted()).unwrap();
    }
    files
}

fn indeterminate(ledger: &FileLedger, name: &str) -> bool {
    matches!(ledger.lookup(&op(name)), Lookup::Ended(OpOutcome::Indeterminate { why }) if why.contains("newer"))
}

#[test]
fn a_newer_record_is_kept_its_op_is_skipped_and_the_others_go_on() {
    let files = begun();
    let mut strange = serde_json::to_value(accepted()).unwrap();
    strange["op"] = json!({"op": "firmware-update", "to": "7"});
    with(
        &files,
        &[
            json!({"event": "accepted", "op_id": "three", "accepted": strange}),
            json!({"event": "started", "op_id": "three"}),
            json!({"event": "paused", "op_id": "one", "by": "ann"}),
            json!({"event": "weather", "sky": "grey"}),
        ],
    );
    let text = files.text(paths::LEDGER);
    let ledger = open(&files).unwrap();
    assert!(indeterminate(&ledger, "three") && indeterminate(&ledger, "one"));
    assert_eq!(ledger.lookup(&op("two")), Lookup::Running);
    let open_ops: Vec<OpId> = ledger.open_ops().into_iter().map(|o| o.op_id).collect();
    assert_eq!(open_ops, [op("two")], "nobody takes up what nobody understands");
    ledger.ended(&op("two"), &OpOutcome::changed("x")).unwrap();
    ledger.accept(&op("four"), &accepted()).unwrap();
    let after = files.text(paths::LEDGER);
    assert!(after.starts_with(&text), "byte for byte");
    let again = open(&files).unwrap();
    assert_eq!(again.lookup(&op("two")), Lookup::Ended(OpOutcome::changed("x")));
    assert_eq!(again.lookup(&op("four")), Lookup::Running);
}

#[test]
fn an_outcome_that_can_be_read_counts() {
    let files = begun();
    let ended = serde_json::to_value(OpOutcome::changed("x")).unwrap();
    with(
        &files,
        &[
            json!({"event": "paused", "op_id": "one"}),
            json!({"event": "ended", "op_id": "one", "outcome": ended}),
            json!({"event": "accepted", "op_id": "nine", "accepted": {}}),
            json!({"event": "ended", "op_id": "nine", "outcome": ended}),
        ],
    );
    let ledger = open(&files).unwrap();
    for name in ["one", "nine"] {
        assert_eq!(ledger.lookup(&op(name)), Lookup::Ended(OpOutcome::changed("x")), "{name}");
    }
}

#[test]
fn a_large_file_keeps_them_too() {
    let files = begun();
    with(&files, &[json!({"event": "paused", "op_id": "one", "by": "ann"})]);
    let record = files.text(paths::LEDGER).lines().last().unwrap().to_string();
    let ledger = open(&files).unwrap();
    let long = OpOutcome::changed("y".repeat(20_000));
    for run in 1..20 {
        let id = op(&format!("r{run:02}-s0001-a1"));
        ledger.accept(&id, &accepted()).unwrap();
        ledger.ended(&id, &long).unwrap();
    }
    assert!(files.text(paths::LEDGER).lines().any(|line| line == record));
    assert!(indeterminate(&open(&files).unwrap(), "one"));
}

#[test]
fn a_newer_format_is_newer_and_what_stands_in_a_newer_header_is_kept() {
    let files = begun();
    let text = files.text(paths::LEDGER);
    let first = text.lines().next().unwrap();
    let header = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut header: serde_json::Value = serde_json::from_str(first.split_once(' ').unwrap().1).unwrap();
        change(&mut header);
        text.replacen(&format!("{first}\n"), &String::from_utf8(write_line(&header).unwrap()).unwrap(), 1)
    };
    files.put(paths::LEDGER, header(&|h| h["format"] = json!("podlift.ledger/v2")).as_bytes());
    let newer = open(&files).err().unwrap();
    assert!(
        matches!(newer, LedgerError::Newer { .. }) && newer.to_string().contains("newer podlift"),
        "{newer}"
    );
    files.put(paths::LEDGER, header(&|h| h["host"] = json!("x")).as_bytes());
    assert_eq!(open(&files).unwrap().lookup(&op("one")), Lookup::Running);
    let damaged = text.replacen("\"seq\":2", "\"seq\":9", 1);
    files.put(paths::LEDGER, damaged.as_bytes());
    assert!(matches!(open(&files).err().unwrap(), LedgerError::Damaged { line: 3, .. }), "damage is damage");
}
