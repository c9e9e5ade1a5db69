//! systemd's state of a unit. If the unit's own recorder could not write (its program was gone, the disk was full), systemd still knows how
//! the program ended as long as the failed unit is loaded. This module only reads.

use super::exit::NEVER;
use super::{Exit, Units, unit_name};
use nix::sys::signal::Signal;
use podlift_host::Invocation;
use podlift_model::OpId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    /// It has ended and is still loaded.
    Over(Remembered),
    Gone,
    /// systemd did not answer; the caller asks again.
    NoAnswer,
}

/// How the program ended, in the terms of an exit record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remembered {
    result: String,
    code: String,
    status: String,
}

impl Units {
    pub(super) async fn presence(&self, op: &OpId) -> Presence {
        let unit = unit_name(op);
        let properties = "LoadState,ActiveState,SubState,Job,Result,ExecMainCode,ExecMainStatus";
        match self.commands.run(&Invocation::new("systemctl", ["show", "-p", properties, &unit])).await {
            Ok(output) if output.success() => presence(&output.stdout),
            Ok(_) | Err(_) => Presence::NoAnswer,
        }
    }

    /// An exit record from systemd's memory.
    pub(super) fn exit_of(&self, remembered: Remembered) -> Exit {
        let Remembered { result, code, status } = remembered;
        Exit { boot: self.boot.clone(), at: self.clock.now(), result, code, status }
    }
}

fn presence(show: &str) -> Presence {
    let value = |name: &str| show.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
    let waits = value("Job").is_some_and(|job| !matches!(job, "" | "0"));
    match (value("LoadState"), value("ActiveState")) {
        (None, None) => Presence::NoAnswer,
        (Some("not-found"), _) => Presence::Gone,
        (_, Some("inactive" | "failed")) if waits => Presence::There,
        (_, Some("inactive")) => Presence::Gone,
        (_, Some("failed")) => Presence::Over(remembered(
            value("Result").unwrap_or_default(),
            value("ExecMainCode").unwrap_or_default(),
            value("ExecMainStatus").unwrap_or_default(),
        )),
        _ => Presence::There,
    }
}

/// systemd's `Result` is that of the whole unit: a failed recorder makes it `exit-code`, whatever the program's result.
fn remembered(result: &str, code: &str, status: &str) -> Remembered {
    let (result, code, status) = match (code, status) {
        ("1", "0") => ("success", "exited", "0".to_string()),
        ("1", status) => ("exit-code", "exited", status.to_string()),
        ("2" | "3", number) => {
            let result = if matches!(result, "exit-code" | "success") { "signal" } else { result };
            (result, if code == "2" { "killed" } else { "dumped" }, signal(number))
        }
        _ => (result, NEVER, NEVER.to_string()),
    };
    Remembered { result: result.into(), code: code.into(), status }
}

/// Name of a signal: `KILL` for `9`.
fn signal(number: &str) -> String {
    let known = number.parse().ok().and_then(|n: i32| Signal::try_from(n).ok());
    known.map_or(number.into(), |s| s.as_str().trim_start_matches("SIG").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(result: &str, code: &str, status: &str) -> Presence {
        Presence::Over(Remembered { result: result.into(), code: code.into(), status: status.into() })
    }

    /// As systemd 252 printed it.
    #[test]
    fn what_systemd_says() {
        let cases = [
            ("LoadState=loaded\nActiveState=active\nSubState=running\n", Presence::There),
            ("LoadState=loaded\nActiveState=activating\nSubState=start-pre\n", Presence::There),
            ("LoadState=loaded\nActiveState=deactivating\nSubState=stop-post\n", Presence::There),
            ("LoadState=loaded\nActiveState=inactive\nSubState=dead\nJob=412\n", Presence::There),
            ("LoadState=not-found\nActiveState=inactive\nResult=success\nExecMainCode=0\n", Presence::Gone),
            ("LoadState=loaded\nActiveState=inactive\nJob=0\n", Presence::Gone),
            ("", Presence::NoAnswer),
            (
                "Result=exit-code\nExecMainCode=1\nExecMainStatus=0\nLoadState=loaded\nActiveState=failed\n",
                over("success", "exited", "0"),
            ),
            (
                "Result=exit-code\nExecMainCode=1\nExecMainStatus=3\nLoadState=loaded\nActiveState=failed\n",
                over("exit-code", "exited", "3"),
            ),
            (
                "Result=timeout\nExecMainCode=2\nExecMainStatus=15\nLoadState=loaded\nActiveState=failed\n",
                over("timeout", "killed", "TERM"),
            ),
            (
                "Result=exit-code\nExecMainCode=2\nExecMainStatus=9\nLoadState=loaded\nActiveState=failed\n",
                over("signal", "killed", "KILL"),
            ),
            (
                "Result=exit-code\nExecMainCode=0\nExecMainStatus=0\nLoadState=loaded\nActiveState=failed\n",
                over("exit-code", "never", "never"),
            ),
        ];
        for (show, want) in cases {
            assert_eq!(presence(show), want, "{show}");
        }
    }
}
