//! Short calls as transient units of systemd: outside of the agent's sandbox, in the mounts and with the devices of the machine. Such a call
//! may be lost with the agent, so it only looks, or its effect is looked at.

use crate::run as run_call;
use podlift_host::{Host, Invocation, Output};
use podlift_model::Failure;
use std::time::Duration;

/// Runs the program. `env` are whole words for systemd-run: `--setenv=NAME=VALUE`.
pub async fn run(
    host: &Host,
    env: Vec<String>,
    program: &str,
    args: Vec<String>,
    limit: Duration,
) -> Result<Output, Failure> {
    let fixed =
        ["--quiet", "--wait", "--pipe", "--collect", "--service-type=exec", "--setenv=LC_ALL=C.UTF-8"];
    let fixed = fixed.iter().map(ToString::to_string);
    // systemd ends the unit before its client gives up, so that nothing is left without a name.
    let end = format!("--property=RuntimeMaxSec={}", limit.as_secs().saturating_sub(30).max(1));
    let words = [end, "--".to_string(), program.to_string()].into_iter().chain(args);
    run_call(host, &Invocation::new("systemd-run", fixed.chain(env).chain(words)).timeout(limit)).await
}
