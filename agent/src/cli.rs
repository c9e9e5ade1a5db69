//! The command line of `podlift-agent`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the agent's command line; the binary and the lab call it.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    drop(args.into_iter());
    ExitCode::FAILURE
}
