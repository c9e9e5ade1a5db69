//! External commands, one per file: build the argv, run it, parse the output. Parsers are pure; they expect the C.UTF-8 locale, which every
//! call sets. The apt sources and the survey of a node, which use these commands, are here too. The op that runs a tool decides what its
//! exit means.
//!
//! This is a crate of its own because it needs the ports and nothing of a session.

pub mod apt;
pub mod apt_config;
pub mod apt_mark;
pub mod apt_root;
pub mod audit_log;
pub mod bcm;
pub mod containerd;
pub mod crictl;
pub mod ctr;
pub mod dpkg;
pub mod dpkg_query;
mod etcd_pair;
pub mod etcdctl;
pub mod files;
pub mod kubeadm;
pub mod kubectl;
pub mod madison;
pub mod nft;
pub mod nvidia_smi;
pub mod outside;
pub mod process;
pub mod site_check;
pub mod snapshot;
pub mod sources;
mod spec;
mod static_pod;
pub mod survey;
pub mod systemctl;
mod unified;
pub mod versions;
pub mod yaml;

pub use spec::UnitSpec;

use podlift_host::{CommandError, Host, Invocation, Output};
use podlift_model::{Failure, codes};

/// Runs the command. It is a failure if the command could not run, but not if its exit code is non-zero.
pub async fn run(host: &Host, call: &Invocation) -> Result<Output, Failure> {
    host.commands.run(call).await.map_err(failure)
}

/// Runs the command; any exit code but zero is a failure.
pub async fn must(host: &Host, call: &Invocation) -> Result<String, Failure> {
    let output = run(host, call).await?;
    if output.success() { Ok(output.stdout) } else { Err(exited(call, &output)) }
}

/// The failure for an unexpected exit code.
pub fn exited(call: &Invocation, output: &Output) -> Failure {
    let words: Vec<&str> =
        call.args.iter().map(String::as_str).filter(|a| !a.starts_with('-')).take(2).collect();
    let message =
        format!("{} {} exited {}; its own words are below", call.program, words.join(" "), output.code);
    let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    Failure::transient(&format!("{}-failed", call.program), message).with_detail(said)
}

/// A failure in one line, with the tool's own last words if they add something.
pub fn whole(failure: Failure) -> String {
    let said = failure.detail.lines().rev().map(str::trim).find(|l| !l.is_empty());
    match said {
        Some(said) if !failure.message.contains(said) => format!("{} ({said})", failure.message),
        _ => failure.message,
    }
}

pub(crate) fn failure(error: CommandError) -> Failure {
    let message = error.to_string();
    match error {
        CommandError::NotFound { .. } => Failure::operator(codes::COMMAND_MISSING, message),
        CommandError::TimedOut { .. } => Failure::transient(codes::COMMAND_TIMEOUT, message),
        CommandError::Spawn { .. } | CommandError::Signalled { .. } => {
            Failure::transient("command-ended", message)
        }
    }
}
