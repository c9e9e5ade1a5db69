//! Which room of the engine may know which. A new edge that runs up is refused here: a program that knew its goals, or a machine that knew
//! single steps, would make every run an upgrade again.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test reads the sources

use std::path::{Path, PathBuf};

/// A room, rooms that it must not name, and what it may name of them all the same.
const FORBIDDEN: &[(&str, &[&str], &[&str])] = &[
    ("doors", &["program", "steps", "machine", "analysis", "goals", "view"], &[]),
    ("program", &["machine", "analysis", "goals", "view"], &[]),
    // The closed list of steps is what a program is made of.
    ("program", &["steps"], &["StepKind"]),
    ("analysis", &["steps", "machine", "goals", "view"], &[]),
    ("issues", &["analysis", "steps", "machine", "goals", "view"], &[]),
    ("validate", &["steps", "machine", "goals", "view"], &[]),
    ("machine", &["analysis", "goals", "view"], &[]),
    // What any step says of itself.
    ("machine", &["steps"], &["Touches"]),
    ("steps", &["goals", "view"], &[]),
    ("goals", &["view"], &[]),
];

fn sources(at: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap().map(|e| e.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let of_tests = name.contains("tests") || name == "cases";
        match entry.is_dir() {
            _ if of_tests => {}
            true => sources(&entry, out),
            false if name.ends_with(".rs") => out.push(entry),
            false => {}
        }
    }
}

/// The product's part of a source file: without comments and without its tests.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = product.lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Names that follow `crate::ROOM::`, those in braces included.
fn named<'a>(code: &'a str, room: &str) -> Vec<&'a str> {
    let path = format!("crate::{room}::");
    let tails = code.split(&path).skip(1);
    let names = tails.flat_map(|tail| match tail.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
        None => vec![tail.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()],
    });
    names.filter(|n| !n.is_empty()).collect()
}

#[test]
fn no_room_names_what_stands_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![];
    for (room, above, but) in FORBIDDEN {
        let mut files = vec![];
        sources(&src.join(room), &mut files);
        assert!(files.len() > 2, "{room} has sources");
        for file in files {
            let code = code(&std::fs::read_to_string(&file).unwrap());
            let names = above.iter().flat_map(|r| named(&code, r)).filter(|n| !but.contains(n));
            found.extend(names.map(|n| format!("{}: {n} of {}", file.display(), above.join(", "))));
        }
    }
    assert!(found.is_empty(), "rooms name what stands above them:\n{}", found.join("\n"));
}

/// Forms that `named` does not read; the rooms do without them.
#[test]
fn rooms_are_named_in_full() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["doors", "program", "analysis", "machine", "steps", "goals"] {
        let mut files = vec![];
        sources(&src.join(room), &mut files);
        for file in files {
            let code = code(&std::fs::read_to_string(&file).unwrap());
            for hidden in ["use crate::{", "use crate as", "super::super::"] {
                assert!(!code.contains(hidden), "{}: {hidden}", file.display());
            }
            if matches!(room, "machine" | "program") {
                let single = code.split("StepKind::").skip(1).find(|t| t.starts_with(char::is_uppercase));
                assert!(single.is_none(), "{} names a single step", file.display());
            }
        }
    }
}

#[test]
fn an_edge_is_seen_in_every_form() {
    let code = "use crate::goals::upgrade::build;\nuse crate::goals::{a, b};\nfn f() { crate::goals::c() }";
    assert_eq!(named(code, "goals"), ["upgrade", "a", "b", "c"]);
    assert_eq!(named(code, "steps"), Vec::<&str>::new());
}
