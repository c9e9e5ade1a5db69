//! A command line that can't be read, in the style of every other error; help that was asked for goes to stdout as it is.

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
        // `podlift` alone: the help is the answer, and nothing was done.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => drop(error.print()),
        _ => out::narrate(&refused(error, args).render()),
    }
    Exit::Usage.into()
}

/// clap tells what is wrong in its first paragraph, and what would be right in those before the last, which names `--help`.
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

/// Help of the verb that was typed, as far as it is one.
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
