//! Site checks: scripts of the site in `/etc/podlift/checks.d` of the head node, which its agent lists and runs.

use crate::digest::Digest;
use crate::ids::{InvalidId, is_token, text_id};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// End of the name of a check's settings: those of `NAME` are in `NAME.toml`.
pub const SETTINGS: &str = ".toml";

const EXPECTED: &str = "letters, digits, '-', '_' and '.', at most 128 characters, not starting with '.' or '-' and not ending with '.toml'";

fn is_check(text: &str) -> bool {
    is_token(text) && !text.ends_with(SETTINGS)
}

text_id!(/// File name of a site check, for example `healthcheck_storage.py`.
    CheckName, "check name", is_check, EXPECTED);

/// What a failed check means.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CheckSeverity {
    /// The validation fails.
    #[default]
    Blocker,
    /// The validation names it.
    Warning,
}

crate::op::names!(CheckSeverity { Blocker = "blocker", Warning = "warning" });

/// One file of the folder of checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteCheckView {
    /// The file's name. It is no valid `CheckName` only if `fault` is set.
    pub name: String,
    /// Why the agent does not run it, with the next command; `None` if it can be run. The fields below are then those of its settings, and
    /// otherwise as far as they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    #[serde(default)]
    pub severity: CheckSeverity,
    /// Absolute path of the program that reads the script; empty if the settings could not be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interpreter: String,
    /// Arguments after the script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    #[serde(default)]
    pub timeout_seconds: u32,
}

impl SiteCheckView {
    /// The name with which the check can be run; `None` if it has a fault.
    pub fn runnable(&self) -> Option<CheckName> {
        match self.fault {
            Some(_) => None,
            None => CheckName::new(self.name.clone()).ok(),
        }
    }
}

/// Why the agent ended a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KilledBy {
    /// It did not end within its time.
    Time,
    /// It printed more than the agent reads.
    Output,
}

crate::op::names!(KilledBy { Time = "time", Output = "output" });

/// How one run of a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteCheckResult {
    pub name: CheckName,
    pub severity: CheckSeverity,
    /// Hash of the script that ran.
    pub sha256: Digest,
    /// `None` if the script did not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killed_by: Option<KilledBy>,
    /// What ended it if neither an exit code nor the agent did, in words of systemd: `signal KILL`, `oom-kill`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// The last 16 KiB of each output.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    pub milliseconds: u64,
}

impl SiteCheckResult {
    /// Whether the script ended by itself with zero.
    pub fn passed(&self) -> bool {
        self.exit_code == Some(0) && self.killed_by.is_none()
    }

    /// How it ended in words: `exited 1 after 2.4 s`.
    pub fn end(&self) -> String {
        let how = match (self.killed_by, self.exit_code, &self.ended_by) {
            (Some(KilledBy::Time), ..) => "did not end in its time and was ended".to_string(),
            (Some(KilledBy::Output), ..) => "printed more than 1 MiB and was ended".to_string(),
            (None, Some(code), _) => format!("exited {code}"),
            (None, None, Some(what)) => format!("was ended by {what}"),
            (None, None, None) => "ended without an exit code".to_string(),
        };
        format!("{how} after {}.{} s", self.milliseconds / 1000, self.milliseconds % 1000 / 100)
    }
}

impl fmt::Display for SiteCheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "site check {} {}", self.name, self.end())?;
        let last = |text: &str| text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(String::from);
        match last(&self.stderr).or_else(|| last(&self.stdout)) {
            Some(line) if !self.passed() => write!(f, ": {line}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_checks() {
        let long = "a".repeat(129);
        for (text, ok) in [
            ("healthcheck_ingress-nginx.py", true),
            ("b200_runai_nccl_test.py", true),
            ("dns", true),
            ("", false),
            (".hidden", false),
            ("-rf", false),
            ("a b.py", false),
            ("../x", false),
            ("a/b", false),
            ("a%b", false),
            ("dns.toml", false),
            (&long, false),
        ] {
            assert_eq!(CheckName::new(text).is_ok(), ok, "{text:?}");
        }
        let error = CheckName::new("dns.toml").unwrap_err().to_string();
        assert!(error.starts_with("check name \"dns.toml\" is not valid: expected letters"), "{error}");
    }

    fn result(
        exit_code: Option<i32>,
        killed_by: Option<KilledBy>,
        ended_by: Option<&str>,
    ) -> SiteCheckResult {
        SiteCheckResult {
            name: CheckName::new("storage.py").unwrap(),
            severity: CheckSeverity::Blocker,
            sha256: Digest::of("x"),
            exit_code,
            killed_by,
            ended_by: ended_by.map(String::from),
            stdout: "claim is bound\n".into(),
            stderr: "Traceback\nno StorageClass\n\n".into(),
            milliseconds: 2_450,
        }
    }

    #[test]
    fn the_end_in_words() {
        let cases = [
            (result(Some(0), None, None), true, "site check storage.py exited 0 after 2.4 s"),
            (
                result(Some(3), None, None),
                false,
                "site check storage.py exited 3 after 2.4 s: no StorageClass",
            ),
            (
                result(None, Some(KilledBy::Time), None),
                false,
                "site check storage.py did not end in its time and was ended after 2.4 s: no StorageClass",
            ),
            (
                result(None, Some(KilledBy::Output), None),
                false,
                "site check storage.py printed more than 1 MiB and was ended after 2.4 s: no StorageClass",
            ),
            (
                result(None, None, Some("oom-kill")),
                false,
                "site check storage.py was ended by oom-kill after 2.4 s: no StorageClass",
            ),
        ];
        for (result, passed, words) in cases {
            assert_eq!((result.passed(), result.to_string().as_str()), (passed, words));
            let text = serde_json::to_string(&result).unwrap();
            assert_eq!(serde_json::from_str::<SiteCheckResult>(&text).unwrap(), result, "{text}");
        }
    }

    #[test]
    fn a_file_with_a_fault_is_never_run() {
        let view = |name: &str, fault: Option<&str>| SiteCheckView {
            name: name.into(),
            fault: fault.map(String::from),
            severity: CheckSeverity::Warning,
            interpreter: "/usr/bin/python3".into(),
            args: vec!["--project".into(), "test".into()],
            timeout_seconds: 60,
        };
        assert_eq!(view("dns.py", None).runnable(), CheckName::new("dns.py").ok());
        assert_eq!(view("dns.py", Some("it is a symbolic link")).runnable(), None);
        assert_eq!(view("a b", None).runnable(), None);
        let text = serde_json::to_string(&view("dns.py", None)).unwrap();
        assert_eq!(serde_json::from_str::<SiteCheckView>(&text).unwrap(), view("dns.py", None), "{text}");
    }
}
