//! What happens to the file behind the journal's back, and what the next start says of it.

use super::*;

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
    assert_eq!((journal.head(), journal.read(4).unwrap().len(), journal.read(0).unwrap().len()), (5, 2, 5));
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
        ("PRAGMA user_version = 2", "has format 2, this podlift knows up to 1"),
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
