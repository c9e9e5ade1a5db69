//! Errors of a command line that can't be parsed, in the form of every other error. Requested help goes to stdout unchanged.

use super::error::{CliError, Exit};
use super::{Args, out};
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::process::ExitCode;

pub(super) fn end(error: &clap::Error, args: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        drop(error.print());
        return ExitCode::SUCCESS;
    }
    match error.kind() {
        // `podlift` without a verb prints the help and does nothing.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => drop(error.print()),
        _ => out::narrate(&refused(error, args).render()),
    }
    Exit::Usage.into()
}

/// Builds the error from clap's text: its first paragraph is the error, the last names `--help`, and those between have suggestions.
pub(super) fn refused(error: &clap::Error, args: &[OsString]) -> CliError {
    let text = error.render().to_string();
    let mut parts: Vec<String> = text.split("\n\n").map(unindented).collect();
    parts.retain(|p| !p.is_empty());
    let what = if parts.is_empty() { String::new() } else { parts.remove(0) };
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_string();
    parts.pop();
    let (what, more) =
        what.split_once('\n').map_or((what.clone(), String::new()), |(a, b)| (a.into(), b.into()));
    let what = what.trim_end_matches(':');
    let why = std::iter::once(more).chain(parts).filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n");
    CliError::usage(what, why, &help(args))
}

fn unindented(part: &str) -> String {
    part.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The help command of the verb that was typed, as far as it is a verb.
fn help(args: &[OsString]) -> String {
    let mut command = Args::command();
    let mut path = String::from("podlift help");
    for word in args.iter().skip(1).filter_map(|w| w.to_str()).filter(|w| !w.starts_with('-')) {
        let Some(sub) = command.find_subcommand(word).cloned() else { continue };
        path = format!("{path} {word}");
        command = sub;
    }
    path
}
