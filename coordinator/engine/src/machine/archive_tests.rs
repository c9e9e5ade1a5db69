//! Every change of an archive file is detected.

use super::*;
use crate::machine::{Event, seal};

fn run() -> RunId {
    RunId::new("r1").unwrap()
}

fn records() -> Vec<Record> {
    let mut out: Vec<Record> = vec![];
    for (i, run) in [Some(run()), Some(run()), None, Some(run())].into_iter().enumerate() {
        let event = Event::ApiUp { endpoint: "vip".into(), milliseconds: i as u64 };
        out.push(seal(out.last(), Timestamp::UNIX_EPOCH, run, None, event));
    }
    out
}

fn lines() -> Vec<String> {
    let (mut digest, records) = (RunDigest::new(&run()), records());
    let mine: Vec<&Record> = records.iter().filter(|r| r.run.is_some()).collect();
    mine.iter().for_each(|r| digest.take(r.seq, r.hash.as_str()));
    let archived = ArchivedRun {
        run: run(),
        status: "succeeded".into(),
        by: "eve".into(),
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        ended_seq: 4,
        records: digest.records,
        chain: digest.digest,
        backup: None,
    };
    let header = ArchiveHeader {
        schema: ARCHIVE_SCHEMA.into(),
        cluster: "runaicluster".parse().unwrap(),
        made_at: Timestamp::UNIX_EPOCH,
        by: "eve".into(),
        before: Timestamp::UNIX_EPOCH,
        runs: vec![archived],
    };
    let records = mine.iter().map(|r| serde_json::to_string(r).unwrap());
    [serde_json::to_string(&header).unwrap()].into_iter().chain(records).collect()
}

fn check(lines: &[String]) -> Result<u64, ArchiveError> {
    let mut check = ArchiveCheck::begin(&lines[0])?;
    lines[1..].iter().try_for_each(|l| check.line(l))?;
    check.end()
}

#[test]
fn a_whole_file_is_whole_and_every_change_is_seen() {
    let good = lines();
    assert_eq!(check(&good), Ok(3));
    let changed = |at: usize, from: &str, to: &str| {
        let mut lines = good.clone();
        lines[at] = lines[at].replace(from, to);
        assert_ne!(lines, good, "{from}");
        check(&lines).unwrap_err()
    };
    let altered = changed(2, "\"milliseconds\":1", "\"milliseconds\":2");
    assert_eq!(altered, ArchiveError::Altered { seq: 2 });
    assert!(matches!(changed(2, "{", "["), ArchiveError::Line { line: 3, .. }));
    assert!(matches!(changed(0, "archive/v1", "archive/v2"), ArchiveError::Schema { .. }));
    assert!(matches!(changed(0, "\"records\":3", "\"records\":4"), ArchiveError::Run { .. }));
    assert!(matches!(changed(0, "\"run\":\"r1\"", "\"run\":\"r2\""), ArchiveError::Foreign { seq: 1 }));
    for cut in 1..good.len() {
        let mut less = good.clone();
        less.remove(cut);
        assert!(matches!(check(&less), Err(ArchiveError::Run { found: 2, expected: 3, .. })), "{cut}");
    }
    let mut twice = good.clone();
    twice.insert(2, good[1].clone());
    assert_eq!(check(&twice), Err(ArchiveError::Broken { seq: 1 }));
    assert!(matches!(check(&good[1..]), Err(ArchiveError::Header(_))));
}
