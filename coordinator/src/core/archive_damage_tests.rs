//! Damaged archives and journals: each is refused with its reason, and the others are read.

use super::*;

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let site = Site::new();
    let archivist = filled(&site);
    let made = marked(&archivist);
    spoil(&archivist.archives.path(&made.file));
    for event in [
        Event::AbortAsked { by: "eve".into(), reason: "x".into() },
        Event::RunAborted { undone: vec![], left: vec![] },
    ] {
        archivist.store.append(Some(&run("r3")), event).unwrap();
    }
    started(&archivist.store, "r4");
    let said = archive(&archivist);
    let bad = "archive r1--r2.jsonl is not completed";
    assert!(
        said.contains("of r3 in ") && said.contains(bad) && said.contains("record 3 was altered"),
        "{said}"
    );
    assert_eq!((left(&archivist, "r1"), left(&archivist, "r2"), left(&archivist, "r3")), (3, 3, 0));
}

type Spoil<'a> = &'a dyn Fn(&Path);

fn spoil(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, text.replace("\"reason\":\"x\"", "\"reason\":\"y\"")).unwrap();
}

#[test]
fn nothing_is_emptied_while_the_file_is_not_whole() {
    let spoils: [(Spoil, &str); 3] = [
        (&|path| std::fs::remove_file(path).unwrap(), "No such file"),
        (&spoil, "record 3 was altered"),
        // The file is valid in itself, but differs from the one that the journal names.
        (
            &|path| {
                let text = std::fs::read_to_string(path).unwrap();
                std::fs::write(path, text.replacen("\"by\":\"eve\"", "\"by\":\"bob\"", 1)).unwrap();
            },
            "differs from the one in the journal",
        ),
    ];
    for (spoil, why) in spoils {
        let site = Site::new();
        let archivist = filled(&site);
        let made = marked(&archivist);
        spoil(&archivist.archives.path(&made.file));
        drop(archivist);
        let archivist = site.open();
        for error in [archivist.finish().unwrap_err(), archivist.verify(None).unwrap_err()] {
            use podlift_common::wire::StatusError as _;
            let info = error.info();
            assert!(info.why.contains(why), "{}: {}", info.message, info.why);
        }
        assert_eq!((left(&archivist, "r1"), left(&archivist, "r2")), (3, 3));
    }
}

#[test]
fn empty_records_without_a_mark_and_other_hashes_are_damage() {
    let cases = [
        ("UPDATE records SET json = '' WHERE seq = 2", "record 2 is empty, and no later record says"),
        (
            "UPDATE records SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 3",
            "record 3 was altered",
        ),
    ];
    for (sql, why) in cases {
        let site = Site::new();
        drop(filled(&site));
        rusqlite::Connection::open(site.journal()).unwrap().execute_batch(sql).unwrap();
        let error = SqliteJournal::open(&site.journal()).err().unwrap();
        assert!(error.to_string().contains(why) && error.code() == "journal-damaged", "{error}");
    }
    let site = Site::new();
    let archivist = filled(&site);
    archive(&archivist);
    drop(archivist);
    let other = "UPDATE records SET hash = (SELECT hash FROM records WHERE seq = 3) WHERE seq = 2";
    rusqlite::Connection::open(site.journal()).unwrap().execute_batch(other).unwrap();
    let error = SqliteJournal::open(&site.journal()).err().unwrap();
    assert!(error.to_string().contains("the records of archived run r1 are not those"), "{error}");
}
