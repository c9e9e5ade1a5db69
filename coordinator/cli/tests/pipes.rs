//! The binary and its pipes: a closed reader is no failure, a full disk is one, and output without a terminal is plain.
#![allow(clippy::disallowed_methods)] // a test starts the binary it tests

use std::fs::File;
use std::process::{Command, Output, Stdio};

fn podlift(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podlift"));
    command.args(words.split(' ')).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("podlift runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reader_that_left_ends_quietly() {
    for words in ["completion bash", "help", "help status", "--version"] {
        // Closed before podlift starts: its first write fails, whatever the pipe could hold.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = output(podlift(words).stdout(writer).stderr(Stdio::piped()));
        assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""), "{words}");
    }
}

#[test]
fn a_stdout_that_takes_nothing_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let ended = output(podlift("completion bash").stdout(full));
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        stderr(&ended).starts_with("error: stdout can't be written\n  why: No space left"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn errors_are_plain_without_a_terminal_and_coloured_where_that_is_asked_for() {
    let plain = output(&mut podlift("nonsense"));
    assert_eq!(plain.status.code(), Some(2));
    assert!(
        stderr(&plain).starts_with("error: unrecognized subcommand 'nonsense'\n  why: "),
        "{}",
        stderr(&plain)
    );
    assert!(plain.stdout.is_empty());
    let red = |command: &mut Command| stderr(&output(command)).contains("\u{1b}[");
    assert!(red(podlift("nonsense").env("CLICOLOR_FORCE", "1")));
    assert!(red(&mut podlift("--color always nonsense")));
    assert!(red(&mut podlift("nonsense --color=always")));
    assert!(!red(podlift("nonsense").env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1")));
    assert!(!red(podlift("--color never nonsense").env("CLICOLOR_FORCE", "1")));
}

#[test]
fn help_is_data_and_its_absence_a_usage_error() {
    let asked = output(&mut podlift("help plan"));
    assert_eq!((asked.status.code(), asked.stderr.is_empty()), (Some(0), true));
    assert!(String::from_utf8_lossy(&asked.stdout).contains("Examples:\n  podlift plan --to"));
    let alone = output(Command::new(env!("CARGO_BIN_EXE_podlift")).stdin(Stdio::null()));
    assert_eq!((alone.status.code(), alone.stdout.is_empty()), (Some(2), true));
    let missing = output(&mut podlift("--config /nonexistent/podlift.toml status"));
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).starts_with("error: podlift is not configured\n"), "{}", stderr(&missing));
    assert!(
        stderr(&missing).contains("\n  next: cat /etc/podlift/podlift.toml.example"),
        "{}",
        stderr(&missing)
    );
}
