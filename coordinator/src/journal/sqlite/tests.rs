//! Changes to the file that the journal did not make, and what the next start reports.

use super::*;
use crate::journal::Query;

fn fill(path: &Path, n: u64) {
    let mut journal = SqliteJournal::open(path).unwrap();
    for i in journal.head()..n {
        let event = Event::ApiUp { endpoint: "10.77.0.11:6443".into(), milliseconds: i };
        journal.append(i, Timestamp::UNIX_EPOCH, None, None, event).unwrap();
    }
}

fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn reopens_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    fill(&path, 3);
    fill(&path, 5);
    let journal = SqliteJournal::open(&path).unwrap();
    let from = |seq| journal.reader().page(&Query::from(seq)).unwrap().len();
    assert_eq!((journal.head(), from(4), from(0)), (5, 2, 5));
}

#[test]
fn every_damage_refuses_to_start() {
    let cases = [
        (
            "UPDATE records SET json = replace(json, '\"milliseconds\":2', '\"milliseconds\":9') WHERE seq = 3",
            "record 3 was altered",
        ),
        ("DELETE FROM records WHERE seq = 3", "record 3 is missing"),
        ("DELETE FROM records WHERE seq = 5", "ends at record 4, its head says 5"),
        ("DELETE FROM records; DELETE FROM head WHERE 0", "ends at record 0, its head says 5"),
        ("DELETE FROM head", "its head says 0"),
        ("UPDATE head SET hash = 'x'", "record 5 was altered"),
        ("UPDATE records SET json = substr(json, 1, 20) WHERE seq = 2", "record 2 can't be read"),
        (
            "UPDATE records SET json = replace(json, 'api-up', 'api-moved') WHERE seq = 4",
            "record 4 has a form that this podlift does not know (unknown variant `api-moved`",
        ),
        (
            "UPDATE records SET json = replace(json, '\"milliseconds\":2', '\"milliseconds\":7,\"new\":[1]') WHERE seq = 3",
            "record 3 has a form that this podlift does not know (it has new, which is not read here)",
        ),
        ("PRAGMA user_version = 3", "has format 3, this podlift knows up to 2"),
    ];
    for (sql, want) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        fill(&path, 5);
        tamper(&path, sql);
        let error = SqliteJournal::open(&path).err().unwrap_or_else(|| panic!("opened after {sql}"));
        assert!(error.to_string().contains(want), "{sql}: {error}");
        assert!(matches!(error.code(), "journal-damaged" | "journal-newer"), "{sql}: {}", error.code());
    }
}

#[test]
fn a_flipped_byte_in_the_file_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    fill(&path, 5);
    tamper(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = b"\"milliseconds\":2";
    let at = bytes.windows(needle.len()).position(|w| w == needle).unwrap() + needle.len() - 1;
    bytes[at] = b'7';
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(SqliteJournal::open(&path).err().unwrap().code(), "journal-damaged");
}

#[test]
fn a_second_coordinator_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let first = SqliteJournal::open(&path).unwrap();
    let error = SqliteJournal::open(&path).err().unwrap();
    assert!(error.to_string().contains("in use by another coordinator"), "{error}");
    drop(first);
    SqliteJournal::open(&path).unwrap();
}

#[test]
fn a_writer_that_missed_something_conflicts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    let result = journal.append(7, Timestamp::UNIX_EPOCH, None, None, Event::RunSucceeded);
    assert!(matches!(result, Err(JournalError::Conflict { expected: 7, head: 0 })));
}

fn heal(node: &str, id: &str) -> Event {
    let heal = podlift_model::heal::HealEvent {
        id: id.into(),
        node: node.parse().unwrap(),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: Timestamp::UNIX_EPOCH,
        latency_us: 900,
        before: podlift_model::Digest::of("a"),
        after: podlift_model::Digest::of("b"),
        diff: String::new(),
    };
    Event::Healed { heal }
}

/// Records of three runs, four nodes and the fleet, in turns.
fn mixed(n: u64) -> Vec<(Option<RunId>, Event)> {
    let of = |i: u64| match i % 5 {
        0 => Event::ApiUp { endpoint: format!("10.77.0.{}:6443", i % 4), milliseconds: i },
        1 => heal(&format!("dgx{:03}", i % 4), &format!("h{i}")),
        2 => Event::AgentLost { node: format!("dgx{:03}", i % 4).parse().unwrap() },
        3 => Event::StepWaiting {
            step: format!("workers/dgx{:03}/drain", i % 4).parse().unwrap(),
            reason: "x".into(),
        },
        _ => Event::StepWaiting { step: "backup/seal".parse().unwrap(), reason: "x".into() },
    };
    let run = |i: u64| (!i.is_multiple_of(7)).then(|| format!("r{}", i * 3 / n).parse().unwrap());
    (0..n).map(|i| (run(i), of(i))).collect()
}

fn append_all(journal: &mut dyn Journal, all: Vec<(Option<RunId>, Event)>) {
    for (run, event) in all {
        journal.append(journal.head(), Timestamp::UNIX_EPOCH, run, None, event).unwrap();
    }
}

#[test]
fn the_file_and_the_double_answer_every_question_alike() {
    let dir = tempfile::tempdir().unwrap();
    let (mut file, mut memory) =
        (SqliteJournal::open(&dir.path().join("journal.db")).unwrap(), crate::journal::MemoryJournal::new());
    append_all(&mut file, mixed(700));
    append_all(&mut memory, mixed(700));
    let runs = [None, Some("r1".parse().unwrap()), Some("none".parse().unwrap())];
    let about: [&[&str]; 4] = [&[], &["dgx001"], &["dgx002", "10.77.0.3:6443"], &["backup"]];
    let mut answers = 0;
    for run in &runs {
        for about in about {
            for kind in [None, Some("healed"), Some("step-waiting")] {
                for (from, before, newest_first, limit) in [
                    (0, None, false, None),
                    (300, Some(500), false, Some(9)),
                    (0, None, true, Some(3)),
                    (690, None, true, None),
                ] {
                    let query = Query {
                        run: run.clone(),
                        kind,
                        from,
                        before,
                        newest_first,
                        limit,
                        ..Query::default()
                    };
                    let query = query.about(about.iter().copied());
                    let rows = |r: &dyn Records| -> Vec<(u64, String)> {
                        r.page(&query).unwrap().into_iter().map(|r| (r.seq, r.json)).collect()
                    };
                    let (a, b) = (rows(file.reader().as_ref()), rows(memory.reader().as_ref()));
                    assert_eq!(a, b, "{query:?}");
                    let counts =
                        (file.reader().count(&query).unwrap(), memory.reader().count(&query).unwrap());
                    assert_eq!(counts.0, counts.1, "{query:?}");
                    answers += a.len();
                }
            }
        }
    }
    assert!(answers > 1000, "{answers} rows were compared");
}

#[test]
fn a_page_ends_at_its_size_and_the_next_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(&dir.path().join("journal.db")).unwrap();
    let big = |i| Event::ApiDown { endpoint: format!("e{i}"), why: "x".repeat(300 << 10) };
    append_all(&mut journal, (0..10).map(|i| (None, big(i))).collect());
    let reader = journal.reader();
    assert_eq!(reader.page(&Query::from(0)).unwrap().len(), 4, "four records reach a MiB");
    let mut seen = vec![];
    crate::journal::each(reader.as_ref(), Query::from(0), |row| {
        seen.push(row.seq);
        Ok::<_, JournalError>(())
    })
    .unwrap();
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

#[test]
fn the_writer_appends_while_readers_hold_the_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    append_all(&mut journal, mixed(300));
    // The worst case of a reader: a transaction that stays open.
    let other = Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let open = other.unchecked_transaction().unwrap();
    let count = |db: &Connection| db.query_row("SELECT count(*) FROM records", [], |r| r.get::<_, i64>(0));
    assert_eq!(count(&open).unwrap(), 300);
    let reader = journal.reader();
    std::thread::scope(|scope| {
        let reads: Vec<_> = (0..4)
            .map(|_| {
                let reader = reader.clone();
                scope.spawn(move || {
                    let mut seen = 0;
                    while seen < 600 {
                        let from = Query::from(seen + 1);
                        seen = reader.page(&from).unwrap().last().map_or(seen, |r| r.seq);
                    }
                })
            })
            .collect();
        append_all(&mut journal, mixed(300));
        reads.into_iter().for_each(|r| r.join().unwrap());
    });
    assert_eq!(count(&open).unwrap(), 300, "the open transaction still sees what it saw");
    assert_eq!(reader.count(&Query::from(0)).unwrap(), 600);
}

#[test]
fn a_full_disk_refuses_a_record_and_takes_it_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    fill(&path, 3);
    let mut journal = SqliteJournal::open(&path).unwrap();
    // SQLite reports the same error for a file that may not grow as for a disk without room.
    let pages: i64 = journal.db.pragma_query_value(None, "page_count", |r| r.get(0)).unwrap();
    journal.db.pragma_update(None, "max_page_count", pages).unwrap();
    let long = || Event::ApiDown { endpoint: "vip".into(), why: "x".repeat(64 << 10) };
    let append = |journal: &mut SqliteJournal| journal.append(3, Timestamp::UNIX_EPOCH, None, None, long());
    let refused = append(&mut journal).unwrap_err();
    assert!(matches!(&refused, JournalError::Sqlite { what: "append", .. }), "{refused:?}");
    assert_eq!((journal.head(), journal.reader().page(&Query::from(0)).unwrap().len()), (3, 3));
    journal.db.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    assert_eq!(append(&mut journal).unwrap().seq, 4);
    drop(journal);
    assert_eq!(SqliteJournal::open(&path).unwrap().head(), 4);
}

#[test]
fn a_reader_can_not_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    append_all(&mut journal, mixed(3));
    let connection = reader::connect(&path).unwrap();
    assert!(connection.execute("DELETE FROM records", []).is_err());
}

/// Returns a file to format 1.
const FORMAT_1: &str = "DROP TABLE about; PRAGMA user_version = 1;";

fn format(path: &Path) -> i64 {
    Connection::open(path).unwrap().pragma_query_value(None, "user_version", |r| r.get(0)).unwrap()
}

#[test]
fn a_file_of_format_1_gets_its_index_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    append_all(&mut journal, mixed(100));
    let query = Query::kind("healed").about(["dgx001"]);
    let before = journal.reader().page(&query).unwrap();
    drop(journal);
    tamper(&path, FORMAT_1);
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!((journal.reader().page(&query).unwrap(), before.len(), format(&path)), (before, 5, 2));
}

#[test]
fn a_migration_that_fails_leaves_the_old_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    fill(&path, 5);
    tamper(&path, FORMAT_1);
    tamper(&path, "UPDATE records SET json = substr(json, 1, 20) WHERE seq = 4");
    assert_eq!(SqliteJournal::open(&path).err().unwrap().code(), "journal-damaged");
    let about = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'about%'";
    let left: i64 = Connection::open(&path).unwrap().query_row(about, [], |r| r.get(0)).unwrap();
    assert_eq!((format(&path), left), (1, 0));
}

#[test]
fn an_index_that_is_not_that_of_its_records_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    append_all(&mut journal, mixed(100));
    let query = Query::default().about(["dgx001"]);
    let before = journal.reader().page(&query).unwrap();
    drop(journal);
    tamper(&path, "DELETE FROM about WHERE seq < 50; UPDATE about SET node = 'dgx001' WHERE seq > 90");
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.reader().page(&query).unwrap(), before);
    drop(journal);
    tamper(
        &path,
        "INSERT INTO about (seq, node, kind) VALUES (0, 'dgx001', 'healed'), (999, 'dgx001', 'healed')",
    );
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(journal.reader().page(&query).unwrap(), before, "an entry without a record is no answer");
}

#[test]
fn emptied_records_count_for_the_next_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(&dir.path().join("journal.db")).unwrap();
    append_all(&mut journal, mixed(100));
    let (run, before) = ("r0".parse().unwrap(), journal.logged);
    assert_eq!((journal.empty(&run, 5).unwrap(), journal.logged), (5, before + 5));
    journal.logged = CHECKPOINT - 5;
    assert_eq!((journal.empty(&run, 5).unwrap(), journal.logged), (5, 0));
}

#[test]
fn the_log_begins_anew_while_the_journal_is_read_all_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let mut journal = SqliteJournal::open(&path).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reader = journal.reader();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    reader.page(&Query::from(0)).unwrap();
                }
            });
        }
        append_all(&mut journal, mixed(1500));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let log = std::fs::metadata(dir.path().join("journal.db-wal")).unwrap().len() as usize;
    assert!(log < 3 * CHECKPOINT * PAGE_SIZE, "the write-ahead log has {log} bytes");
}
