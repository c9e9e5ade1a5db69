//! Runs one check to its end, and finds out how it ended.

use super::argv::{argv, unit_name};
use super::{Check, KEPT_BYTES, KUBECONFIG, OUTPUT_BYTES};
use crate::failure;
use podlift_host::{Bounded, Bounds, End, Host, Invocation};
use podlift_model::site_check::{KilledBy, SiteCheckResult};
use podlift_model::{Digest, Failure, codes};
use std::path::Path;
use std::time::Duration;

/// Exit codes that systemd gives a unit whose program it could not start (systemd.exec, `EXIT_CHDIR` to `EXIT_BPF`).
const NOT_STARTED: std::ops::RangeInclusive<i32> = 200..=245;

/// Runs the check. `path` is the value of PATH. It is a failure if the check could not be started, and none if it ended badly. What an
/// earlier agent left running under the check's name is ended first.
pub async fn run(host: &Host, path: &str, check: &Check) -> Result<SiteCheckResult, Failure> {
    let unit = unit_name(&check.name);
    let kubeconfig = kubeconfig(host)?;
    clear(host, &unit).await;
    let limit = Duration::from_secs(check.settings.timeout_seconds.into());
    let call = Invocation::new("systemd-run", argv(check, path, kubeconfig)).timeout(limit);
    let bounds = Bounds { script: check.script.clone(), most: OUTPUT_BYTES, kept: KEPT_BYTES };
    let ran = host.commands.run_bounded(&call, &bounds).await.map_err(failure);
    let ended = match &ran {
        Ok(ran) => judged(host, check, ran).await,
        Err(failure) => Err(failure.clone()),
    };
    // systemd-run is gone, and its unit may not be.
    clear(host, &unit).await;
    let (ran, ended) = (ran?, ended?);
    Ok(SiteCheckResult {
        name: check.name.clone(),
        severity: check.settings.severity,
        sha256: Digest::of(&check.script),
        exit_code: ended.exit_code,
        killed_by: ended.killed_by,
        ended_by: ended.ended_by,
        stdout: ran.stdout,
        stderr: ran.stderr,
        milliseconds: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Whether the checks have a kubeconfig. One that others can write is not given to them.
fn kubeconfig(host: &Host) -> Result<bool, Failure> {
    match host.files.program(Path::new(KUBECONFIG)) {
        Ok(_) => Ok(true),
        Err(e) if e.is_missing() => Ok(false),
        Err(e) => {
            let message = format!(
                "the kubeconfig of the site checks is refused: {e}; mend that, then podlift validate"
            );
            Err(Failure::operator(codes::SITE_CHECK_REFUSED, message))
        }
    }
}

/// Ends the unit with all its processes, and lets systemd forget it. It usually does not exist, so the answers mean nothing.
async fn clear(host: &Host, unit: &str) {
    for verb in ["stop", "reset-failed"] {
        drop(host.commands.run(&Invocation::new("systemctl", [verb, unit])).await);
    }
}

#[derive(Default)]
struct Ended {
    exit_code: Option<i32>,
    killed_by: Option<KilledBy>,
    ended_by: Option<String>,
}

impl Ended {
    fn exited(code: i32) -> Self {
        Self { exit_code: Some(code), ..Self::default() }
    }
    fn killed(by: KilledBy) -> Self {
        Self { killed_by: Some(by), ..Self::default() }
    }
}

async fn judged(host: &Host, check: &Check, ran: &Bounded) -> Result<Ended, Failure> {
    match ran.end {
        End::Time => Ok(Ended::killed(KilledBy::Time)),
        End::Output => Ok(Ended::killed(KilledBy::Output)),
        End::Exited(0) => Ok(Ended::exited(0)),
        // systemd-run exits 1 for itself, and 255 for a program that a signal ended: only systemd knows.
        End::Exited(code) => {
            let unit = unit_name(&check.name);
            let properties = "LoadState,Result,ExecMainCode,ExecMainStatus";
            let show = Invocation::new("systemctl", ["show", "-p", properties, &unit]);
            match (remembered(&crate::run(host, &show).await?.stdout), code) {
                (Some(ended), _) if !ended.exit_code.is_some_and(|code| NOT_STARTED.contains(&code)) => {
                    Ok(ended)
                }
                (Some(_), _) => {
                    let why = format!("systemd could not set it up (exit code {code})");
                    Err(not_started(check, &why, &ran.stderr))
                }
                (None, 1 | 255) => {
                    Err(not_started(check, &format!("systemd-run exited {code}"), &ran.stderr))
                }
                (None, code) => Ok(Ended::exited(code)),
            }
        }
        End::Signalled(signal) => {
            let message = format!(
                "systemd-run of site check {} was ended by signal {signal}; podlift validate runs it again",
                check.name
            );
            Err(Failure::transient(codes::SITE_CHECK_NOT_STARTED, message))
        }
    }
}

/// How the unit's program ended, as systemd remembers it; `None` if there was no program.
fn remembered(show: &str) -> Option<Ended> {
    let value = |name: &str| show.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
    let status: i32 = value("ExecMainStatus")?.parse().ok()?;
    match (value("LoadState")?, value("ExecMainCode")?, value("Result").unwrap_or_default()) {
        ("not-found", ..) | (_, "0", _) => None,
        (_, "1", _) => Some(Ended::exited(status)),
        (_, _, "timeout") => Some(Ended::killed(KilledBy::Time)),
        (_, _, "signal" | "core-dump") => {
            Some(Ended { ended_by: Some(format!("signal {status}")), ..Ended::default() })
        }
        (_, _, result) => Some(Ended { ended_by: Some(result.into()), ..Ended::default() }),
    }
}

fn not_started(check: &Check, why: &str, stderr: &str) -> Failure {
    let message = format!(
        "site check {} could not be started: {why}; its words are below; see journalctl -u {}, then podlift validate",
        check.name,
        unit_name(&check.name)
    );
    Failure::operator(codes::SITE_CHECK_NOT_STARTED, message).with_detail(stderr)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
