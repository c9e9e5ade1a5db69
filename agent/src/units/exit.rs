//! How a unit ended, as systemd reported it. The unit's ExecStopPost writes the record, so it exists whether or not an agent runs.

use jiff::Timestamp;
use podlift_host::Files;
use podlift_host::paths;
use podlift_model::{BootId, OpId};
use serde::{Deserialize, Serialize};
use std::io;

/// systemd's `$SERVICE_RESULT`, `$EXIT_CODE` and `$EXIT_STATUS`, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    pub boot: BootId,
    pub at: Timestamp,
    /// `success`, `exit-code`, `signal`, `timeout`, `oom-kill`, …
    pub result: String,
    /// `exited`, `killed`, `dumped`; `unknown` or `never` if the program never began.
    pub code: String,
    /// A number after `exited`, else a signal's name without SIG.
    pub status: String,
}

/// `code` if the unit ended before its program began.
pub(super) const NEVER: &str = "never";

impl Exit {
    /// The program's exit code, if it ended by itself.
    pub fn exit_code(&self) -> Option<i32> {
        self.status.parse().ok().filter(|_| self.code == "exited")
    }

    /// Whether it ended by itself with zero, and systemd calls that a success.
    pub fn success(&self) -> bool {
        self.result == "success" && self.exit_code() == Some(0)
    }

    /// The exit in words, for people.
    pub fn describe(&self) -> String {
        match (self.exit_code(), self.result.as_str()) {
            (Some(code), "success" | "exit-code") => format!("exited {code}"),
            (_, "timeout") => "did not end in time and was stopped".into(),
            (_, "oom-kill") => "was ended because the machine ran out of memory".into(),
            // After `systemctl stop` or a shutdown, systemd calls an end by SIGTERM a success.
            (_, "success") => format!("was stopped from outside ({})", self.status),
            (_, result) if self.code == NEVER || self.code == "unknown" => {
                format!("was never started: what has to run before it failed ({result})")
            }
            (_, result) => format!("was ended by {} ({result})", self.status),
        }
    }
}

/// Records durably how an op's unit ended. The first record stays, because a unit ends once.
pub fn record_exit(files: &dyn Files, op: &OpId, exit: &Exit) -> io::Result<()> {
    let path = paths::op_exit(op);
    if read_exit(files, op)?.is_some() {
        return Ok(());
    }
    files.write(&path, &serde_json::to_vec(exit)?, 0o600)
}

/// The record of `record_exit`; `None` if there is none.
pub fn read_exit(files: &dyn Files, op: &OpId) -> io::Result<Option<Exit>> {
    match files.read(&paths::op_exit(op)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(result: &str, code: &str, status: &str) -> Exit {
        let [result, code, status] = [result, code, status].map(String::from);
        let at = "2026-11-22T09:15:12Z".parse().unwrap();
        Exit { boot: "boot-1".parse().unwrap(), at, result, code, status }
    }

    /// Values as systemd 252 gave them to ExecStopPost.
    #[test]
    fn what_systemd_tells_is_said_in_words() {
        let cases = [
            (("success", "exited", "0"), true, "exited 0"),
            (("exit-code", "exited", "7"), false, "exited 7"),
            (("signal", "killed", "KILL"), false, "was ended by KILL (signal)"),
            (("success", "killed", "TERM"), false, "was stopped from outside (TERM)"),
            (("timeout", "killed", "TERM"), false, "did not end in time and was stopped"),
            (("oom-kill", "killed", "KILL"), false, "was ended because the machine ran out of memory"),
            (
                ("exit-code", "unknown", "unknown"),
                false,
                "was never started: what has to run before it failed (exit-code)",
            ),
        ];
        for ((result, code, status), success, words) in cases {
            let exit = exit(result, code, status);
            assert_eq!((exit.success(), exit.describe().as_str()), (success, words));
        }
    }
}
