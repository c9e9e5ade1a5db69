//! Scans the coordinator's sources for code that starts a process. clippy refuses the usual calls, but an `allow` would hide one.
#![allow(clippy::disallowed_methods)] // a test reads its own sources

use std::path::{Path, PathBuf};

/// The ways to start a process, in parts, so that this file does not match.
const WAYS: [[&str; 2]; 7] = [
    ["process::", "Command"],
    ["Command::", "new"],
    ["Command", "Ext"],
    ["posix_", "spawn"],
    ["unistd::", "fork"],
    ["unistd::", "exec"],
    ["libc::", "system"],
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => sources(&entry.path(), into),
            false => into.extend(Some(entry.path()).filter(|p| p.extension().is_some_and(|e| e == "rs"))),
        }
    }
}

fn ways(text: &str) -> Vec<String> {
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    WAYS.iter().map(|parts| parts.concat()).filter(|way| code.contains(way)).collect()
}

#[test]
fn nothing_in_the_coordinator_starts_a_process() {
    let mut files = Vec::new();
    for dir in ["src", "engine/src", "backup/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut files);
    }
    assert!(files.len() > 100, "only {} files were read", files.len());
    let found = files.iter().filter_map(|path| {
        let ways = ways(&std::fs::read_to_string(path).unwrap());
        (!ways.is_empty()).then(|| format!("{}: {}", path.display(), ways.join(", ")))
    });
    assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new(), "BCM's tools are the head node's agent's");
}

#[test]
fn the_scan_sees_what_it_is_for() {
    for parts in [["std::process::", "Command"], ["let c = Command::", "new(program);"]] {
        assert_eq!(ways(&parts.concat()).len(), 1, "{parts:?}");
    }
    let comment = ["// a process::", "Command in a comment\nuse std::process::ExitCode;\n"].concat();
    assert!(ways(&comment).is_empty());
}
