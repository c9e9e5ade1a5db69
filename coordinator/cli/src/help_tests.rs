//! The help pages: each verb has an explanation and examples that can be typed unchanged.

use crate::args::Args;
use crate::usage;
use clap::{Command, CommandFactory as _, Parser as _};
use std::ffi::OsString;

/// (path, command) of all verbs.
fn all(command: &Command, path: &str) -> Vec<(String, Command)> {
    let mut out = vec![(path.to_string(), command.clone())];
    for sub in command.get_subcommands() {
        out.extend(all(sub, &format!("{path} {}", sub.get_name())));
    }
    out
}

/// A line as a shell splits it, as far as the examples go: quotes, and comments after blanks.
fn words(line: &str) -> Vec<String> {
    let line = line.split("  #").next().unwrap_or(line).split(" > ").next().unwrap_or(line);
    let quoted = |part: (usize, &str)| match part.0 % 2 {
        0 => part.1.split_whitespace().map(String::from).collect::<Vec<_>>(),
        _ => vec![part.1.to_string()],
    };
    line.replace('"', "'").split('\'').enumerate().flat_map(quoted).collect()
}

#[test]
fn every_verb_shows_examples_that_can_be_typed() {
    let command = Args::command();
    for (path, verb) in all(&command, "podlift") {
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> = help.lines().filter(|l| l.starts_with("  podlift ")).collect();
        assert!(help.starts_with("Examples:\n") && !examples.is_empty(), "{path} has no example");
        for example in examples {
            let words = words(example);
            assert!(example.trim().starts_with(&path), "{path} shows {example}");
            if let Err(error) = Args::try_parse_from(&words) {
                panic!("{words:?}: {error}");
            }
        }
    }
}

#[test]
fn every_visible_verb_explains_itself() {
    for (path, verb) in all(&Args::command(), "podlift").into_iter().filter(|(_, c)| !c.is_hide_set()) {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(!about.is_empty() && !about.ends_with('\n'), "{path} says nothing of itself");
    }
}

#[test]
fn the_pages() {
    let mut text = String::new();
    for (path, verb) in all(&Args::command(), "podlift") {
        let mut verb = verb.term_width(100).bin_name(path.clone());
        text += &format!("== {path}\n{}\n", verb.render_long_help());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_line_that_is_wrong_is_told_as_every_error_is() {
    let lines = [
        "podlift nonsense",
        "podlift plan",
        "podlift plan --to 1.x",
        "podlift plan --to v1.32.9 --max-unavailable 0",
        "podlift plan --to v1.32.9 --max-unavailable 200%",
        "podlift plan --to v1.32.9 --max-unavailable NaN",
        "podlift plan --to v1.32.9 --waive flag-loss",
        "podlift plan --to v1.32.9 --waive flag-loss=REASON",
        "podlift plan --to v1.32.9 --max-failed 200%",
        "podlift upgrade --plan plan.json --skip-unready",
        "podlift set max-unavailable 0",
        "podlift node release dgx031 --force",
        "podlift status -o xml",
        "podlift status --events 5",
        "podlift status runai-01 --all",
        "podlift stauts",
        "podlift completion tcsh",
        "podlift cert issue robot x --cluster c",
        "podlift --color sometimes status",
        "podlift events --form 3",
        "podlift defer dgx031 --until tomorrow",
        "podlift status --slowest 0",
        "podlift plan --resume-deferred --node dgx031",
        "podlift retry --override-devices dgx031",
        "podlift plan --to v1.32.9 --canary many",
        "podlift plan --to v1.32.9 --canary-soak 30",
        "podlift plan --to v1.32.9 --grow=often",
        "podlift plan --to v1.32.9 --order random",
        "podlift upgrade --to v1.32.9 --window 22:00",
        "podlift upgrade --plan plan.json --canary 2",
        "podlift approve everything",
        "podlift approve --refuse --reason later",
        "podlift approve tigera-removal --refuse",
        "podlift repair --issue storage",
        "podlift issues nonsense",
        "podlift secret restore runai-tls --set s --identity f",
        "podlift report note",
        "podlift dashboard --port 70000",
    ];
    let errors = lines.map(|line| {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = usage::refused(&Args::try_parse_from(&args).unwrap_err(), &args);
        assert!(error.next.starts_with("podlift help"), "{error:?}");
        format!("$ {line}\n{}", anstream::adapter::strip_str(&error.render()))
    });
    insta::assert_snapshot!(errors.join("\n\n"));
}
