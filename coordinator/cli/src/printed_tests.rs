//! Scans the texts of the product for commands that it prints, and types each of them: `podlift VERB …` must be read by the command line
//! as it is printed. What a text goes on with behind a command (`podlift retry takes it up again`) is cut off at its first plain word.
#![allow(clippy::disallowed_methods)] // a test reads its own sources

use crate::args::Args;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory as _, Parser as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crates whose texts people read, from this one.
const CRATES: [&str; 12] = [
    ".",
    "../client",
    "..",
    "../engine",
    "../batches",
    "../backup",
    "../../agent",
    "../../agent/tools",
    "../../agent/heal",
    "../../agent/host",
    "../../common",
    "../../common/model",
];

/// Texts that name a command and are not meant to be typed.
const NAMES: [&str; 5] = [
    "podlift plan",
    "podlift plan -o json",
    "podlift heal accept",
    "podlift heal apply",
    "podlift cert issue",
];

/// What stands for a value in a printed text, one after the other until the command is read. The empty one stands for options that are
/// joined to the word before.
const SAMPLES: [&str; 13] = [
    "dgx031",
    "v1.32.9",
    "3",
    "kube-apiserver",
    "workers/dgx031/drain",
    "maintenance-window",
    "tigera-removal",
    "load-balancers",
    "runai/runai-tls",
    "2026-01-01",
    "operator",
    "--without dgx031",
    "",
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        match entry.file_type().unwrap().is_dir() {
            true if ["tests", "testing", "cases"].contains(&name.as_str()) => {}
            true => sources(&path, into),
            false if name.ends_with(".rs") && !name.contains("tests") => into.push(path),
            false => {}
        }
    }
}

/// Commands in the code of a file, as they are printed. Examples of the help have a test of their own, and comments print nothing.
fn printed(text: &str) -> Vec<String> {
    let verbs: BTreeSet<String> = Args::command().get_subcommands().map(|c| c.get_name().into()).collect();
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = product.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//") && !line.starts_with("podlift "));
    lines.flat_map(|line| commands(line, &verbs)).collect()
}

fn commands(line: &str, verbs: &BTreeSet<String>) -> Vec<String> {
    let starts = line.match_indices("podlift ").map(|(at, _)| clause(&line[at..]));
    starts
        .filter(|words| words.get(1).is_some_and(|verb| verbs.contains(verb)))
        .map(|w| w.join(" "))
        .collect()
}

/// The words of a command, up to the end of its clause, of its back-ticks or of the literal.
fn clause(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let ends = |word: &&str| ["&&", ">", "#"].contains(word) || word.starts_with('(');
    for word in text.split(' ').take_while(|word| !ends(word)) {
        let inside = word.split(['`', '"', '\\']).next().unwrap_or_default();
        let bare = inside.trim_end_matches([',', ';', ':', '.', ')']);
        words.extend(Some(bare.to_string()).filter(|bare| !bare.is_empty()));
        if bare.len() < word.len() {
            break;
        }
    }
    words
}

/// A command with a sample for each placeholder: `{node}`, and `VERSION` or `N` as a word or behind `=`.
fn filled(command: &str) -> Vec<String> {
    let (before, rest) = match (command.find('{'), capitals(command)) {
        (Some(at), capitals) if capitals.is_none_or(|(from, _)| at < from) => {
            let end = command[at..].find('}').map_or(command.len(), |end| at + end + 1);
            (&command[..at], &command[end..])
        }
        (_, Some((from, to))) => (&command[..from], &command[to..]),
        (_, None) => return vec![command.into()],
    };
    let rests = filled(rest);
    let with = |sample: &&str| {
        let head = format!("{before}{sample}");
        rests.iter().map(move |rest| format!("{head}{rest}")).collect::<Vec<_>>()
    };
    let fits = |sample: &&&str| !sample.is_empty() || !before.ends_with([' ', '=']);
    SAMPLES.iter().filter(fits).flat_map(with).collect()
}

/// Where the first word in capitals begins and ends.
fn capitals(command: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    for word in command.split([' ', '=']) {
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase()) {
            return Some((from, from + word.len()));
        }
        from += word.len() + 1;
    }
    None
}

/// Reads the command; what follows it in the text, from its first plain word, is no part of it.
fn typed(command: &str) -> Result<(), String> {
    let mut words: Vec<&str> = command.split_whitespace().collect();
    loop {
        let Err(error) = Args::try_parse_from(&words) else { return Ok(()) };
        if !error.use_stderr() {
            return Ok(());
        }
        let refused = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand]
            .into_iter()
            .find_map(|kind| error.get(kind).map(ToString::to_string));
        let unexpected = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
        let prose = refused.filter(|word| unexpected && is_plain(word));
        match prose.and_then(|prose| words.iter().skip(2).position(|word| *word == prose)) {
            Some(at) => words.truncate(at + 2),
            None => return Err(error.to_string().lines().next().unwrap_or_default().into()),
        }
    }
}

/// A word of the sentence around a command, and no value.
fn is_plain(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'\'') && !SAMPLES.contains(&word)
}

fn can_be_typed(command: &str) -> Result<(), String> {
    if NAMES.contains(&command) {
        return Ok(());
    }
    let tried = filled(command);
    match tried.iter().any(|command| typed(command).is_ok()) {
        true => Ok(()),
        false => Err(format!("{command}: {}", typed(&tried[0]).unwrap_err())),
    }
}

#[test]
fn every_command_that_the_product_prints_is_read_as_it_is_printed() {
    let mut files = Vec::new();
    for name in CRATES {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("src"), &mut files);
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in &files {
        for command in printed(&std::fs::read_to_string(file).unwrap()) {
            seen += 1;
            wrong.extend(can_be_typed(&command).err().map(|why| format!("{}: {why}", file.display())));
        }
    }
    assert!(seen > 200, "only {seen} commands were found in {} files", files.len());
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_scan_finds_commands_and_refuses_those_that_can_not_be_typed() {
    let text = "
        // podlift retry --nonsense
        let next = format!(\"podlift defer {node} && podlift resume\");
        let what = \"the run waits; `podlift approve`, or podlift status shows why\";
    ";
    assert_eq!(
        printed(text),
        ["podlift defer {node}", "podlift resume", "podlift approve", "podlift status shows why"]
    );
    for good in [
        "podlift defer {node}",
        "podlift plan --to VERSION",
        "podlift retry takes the node up again",
        "podlift help plan",
        "podlift backup verify {} shows which",
        "podlift approve {item} --refuse --reason TEXT lets the run go on",
        "podlift secret restore {}/{} --set {} --identity FILE",
        "podlift secret restore {name} --set SET --identity FILE",
    ] {
        assert_eq!(can_be_typed(good), Ok(()), "{good}");
    }
    for bad in [
        "podlift retry STEP",
        "podlift retry --step",
        "podlift defer --node {node}",
        "podlift node release",
        "podlift runs archive",
        "podlift heal accept {node}",
    ] {
        assert!(can_be_typed(bad).is_err(), "{bad}");
    }
}
