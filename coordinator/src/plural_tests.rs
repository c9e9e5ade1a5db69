//! Scans the texts of the coordinator, the engine and the command line for numbers with a noun that is always plural: `1 workers`.
#![allow(clippy::disallowed_methods)] // a test reads its own sources

use std::path::{Path, PathBuf};

const NOUNS: &[&str] = &[
    "agents",
    "budgets",
    "days",
    "disruptions",
    "endpoints",
    "evictions",
    "events",
    "files",
    "findings",
    "GPUs",
    "handshakes",
    "heals",
    "images",
    "jobs",
    "members",
    "minutes",
    "nodes",
    "objects",
    "ops",
    "pods",
    "problems",
    "records",
    "servers",
    "steps",
    "times",
    "waivers",
    "workers",
];
/// A comment on the line above a text whose number is never 1.
const MANY: &str = "// Always more than one.";

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        match entry.file_type().unwrap().is_dir() {
            true if name == "tests" || name == "testing" => {}
            true => sources(&path, into),
            false if name.ends_with(".rs") && !name.contains("tests") => into.push(path),
            false => {}
        }
    }
}

/// Texts in which a number stands before a plural: a placeholder, at most one word, and the noun.
fn found(text: &str) -> Vec<String> {
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = product.lines().map(str::trim).collect();
    let above = |at: usize| at.checked_sub(1).is_some_and(|at| lines[at] == MANY);
    let texts = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| line.contains('"') && !line.starts_with("//") && !above(*at));
    texts.filter(|(_, line)| counts(line)).map(|(_, line)| line.to_string()).collect()
}

fn counts(line: &str) -> bool {
    line.split('}').skip(1).any(|after| {
        let Some(after) = after.strip_prefix(' ') else { return false };
        let mut words = after.split(|c: char| !c.is_ascii_alphanumeric());
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        NOUNS.contains(&first) || (matches!(first, "more" | "other") && NOUNS.contains(&second))
    })
}

#[test]
fn every_noun_follows_its_number() {
    let mut files = Vec::new();
    for dir in ["src", "engine/src", "backup/src", "cli/src", "client/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut files);
    }
    assert!(files.len() > 200, "only {} files were read", files.len());
    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let texts = found(&std::fs::read_to_string(path).unwrap());
            texts.into_iter().map(move |text| format!("{}: {text}", path.display()))
        })
        .collect();
    assert_eq!(found, Vec::<String>::new(), "podlift_model::count gives the noun its form");
}

#[test]
fn the_scan_sees_what_it_is_for() {
    for text in ["format!(\"{n} workers failed\")", "\"and {} more nodes\",", "format!(\"of {} pods\", n)"] {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    let fine =
        ["format!(\"{} failed\", count(n, \"worker\"))", "// {n} workers", "format!(\"{names} jobsets\")"];
    fine.iter().for_each(|text| assert_eq!(found(text).len(), 0, "{text}"));
    assert!(found(&format!("{MANY}\nformat!(\"{{n}} nodes\")")).is_empty());
}
