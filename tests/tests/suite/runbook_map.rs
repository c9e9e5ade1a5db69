//! docs/runbook-map.md covers the runbook: each heading and each code block has its line, in the runbook's order, and what the line names
//! exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Headings as `## Title`, code blocks as "``` first line".
fn runbook() -> Vec<String> {
    let text = read("tests/fixtures/runbook-headings.txt");
    text.split_once("\n\n").unwrap().1.lines().map(String::from).collect()
}

/// (runbook, podlift) of each row of the last table.
fn rows(map: &str) -> Vec<(String, String)> {
    let table = map.split_once("## Every heading and code block").unwrap().1;
    let cells = |line: &str| -> Option<(String, String)> {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?.replace("\\|", "\u{0}");
        let (left, right) = line.split_once(" | ")?;
        let plain = |cell: &str| cell.replace('\u{0}', "|");
        Some((plain(left), plain(right)))
    };
    table.lines().filter(|line| !line.starts_with("|---")).filter_map(cells).skip(1).collect()
}

/// The line of the runbook that a row is about.
fn line(cell: &str) -> String {
    match cell.strip_prefix("code: `").and_then(|rest| rest.strip_suffix('`')) {
        Some(code) => format!("``` {code}"),
        None => cell.into(),
    }
}

/// What stands between back-ticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Names of steps, phases, checks, rules and events that the documents explain. Those of steps and schemas are kept current by other tests.
fn names() -> BTreeSet<String> {
    let documents = [
        "docs/order.md",
        "docs/heal.md",
        "docs/validate.md",
        "docs/bcm.md",
        "docs/scenarios.md",
        "docs/issues.md",
    ];
    let texts: String = documents.iter().map(|path| read(path)).collect();
    let first_table = read("docs/runbook-map.md").split("## Every heading").next().unwrap().to_string();
    quoted(&(texts + &first_table)).into_iter().flat_map(|name| name.split('/')).map(String::from).collect()
}

#[test]
fn no_heading_and_no_code_block_of_the_runbook_is_missing() {
    let (want, rows) = (runbook(), rows(&read("docs/runbook-map.md")));
    assert!(
        want.len() > 75 && want.iter().filter(|line| line.starts_with("```")).count() > 30,
        "{}",
        want.len()
    );
    let lines: Vec<String> = rows.iter().map(|(cell, _)| line(cell)).collect();
    let missing: Vec<&String> = want.iter().filter(|line| !lines.contains(line)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "docs/runbook-map.md has no line for them");
    assert_eq!(lines, want, "the order is the runbook's");
}

#[test]
fn each_line_names_a_step_a_check_or_a_command_that_exists() {
    let known = names();
    for (cell, podlift) in rows(&read("docs/runbook-map.md")) {
        let by_reason = podlift.starts_with("none")
            || podlift.starts_with("never")
            || podlift.starts_with("the six lines");
        let (quoted, document) = (quoted(&podlift), podlift.contains("docs/"));
        assert!(!quoted.is_empty() || by_reason || document, "{cell}: {podlift:?} names nothing");
        for name in quoted {
            match name.strip_prefix("podlift ") {
                Some(_) => {
                    let line = name.replace("TEXT", "text").replace("SET", "set").replace("FILE", "file");
                    let words: Vec<&str> = line.split(' ').collect();
                    assert_eq!(podlift_cli::parse(&words), Ok(()), "{cell}: {name}");
                }
                None => assert!(
                    known.contains(name)
                        || name.contains("NAME")
                        || name.starts_with("site:")
                        || name.contains('.'),
                    "{cell}: {name} is in no document"
                ),
            }
        }
        for path in podlift.split([' ', ',', '(', ')', ';']).filter(|word| word.starts_with("docs/")) {
            assert!(root().join(path).exists(), "{cell}: {path}");
        }
    }
}

#[test]
fn a_line_that_is_taken_out_is_missed() {
    let map = read("docs/runbook-map.md");
    let line_of = |part: &str| map.lines().find(|line| line.starts_with(part)).unwrap();
    for part in ["| ### Issue 4", "| code: `# Recreate from backup`", "| code: `kubectl get deployments -A"] {
        let less = map.replace(&format!("{}\n", line_of(part)), "");
        let lines: Vec<String> = rows(&less).iter().map(|(cell, _)| line(cell)).collect();
        assert_eq!(runbook().iter().filter(|want| !lines.contains(want)).count(), 1, "{part}");
    }
}
