//! `NAME.toml`: how the check `NAME` is run. Pure.

use podlift_model::site_check::CheckSeverity;
use std::path::Path;
use toml::{Table, Value};

const KEYS: [&str; 4] = ["interpreter", "args", "timeout-seconds", "severity"];
const LONGEST: i64 = 600;
/// Most arguments, and most bytes of one.
const ARGS: usize = 64;
const ARG_BYTES: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// An absolute path.
    pub interpreter: String,
    pub args: Vec<String>,
    pub timeout_seconds: u32,
    pub severity: CheckSeverity,
}

/// A setting that is missing, unknown or not valid. The text names file, key, value and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    #[error("{file} is no TOML: {why}")]
    Syntax { file: String, why: String },
    #[error("{file}: {key} = {value} is not known: expected interpreter, args, timeout-seconds, severity")]
    Unknown { file: String, key: String, value: String },
    #[error("{file}: {key} is missing: expected {expected}")]
    Missing { file: String, key: &'static str, expected: &'static str },
    #[error("{file}: {key} = {value} is not valid: expected {expected}")]
    Invalid { file: String, key: &'static str, value: String, expected: &'static str },
}

const INTERPRETER: &str = "the absolute path of a program of letters, digits, '/', '.', '-', '_' and '+', for example interpreter = \"/usr/bin/python3\"";
const ARGUMENTS: &str =
    "at most 64 texts without control characters, for example args = [\"--nodes\", \"1\"]";
const SECONDS: &str = "a whole number of seconds from 1 to 600";
const SEVERITY: &str = "\"blocker\" or \"warning\"";

impl Settings {
    /// Reads the settings; `file` is their path, for errors.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, InvalidSettings> {
        let file = file.display().to_string();
        let syntax = |why: String| InvalidSettings::Syntax { file: file.clone(), why };
        let text = std::str::from_utf8(bytes).map_err(|_| syntax("it is not text".into()))?;
        let table: Table = text.parse().map_err(|e: toml::de::Error| syntax(e.message().to_string()))?;
        if let Some((key, value)) = table.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(InvalidSettings::Unknown { file, key: key.clone(), value: value.to_string() });
        }
        let read = Read { file, table };
        Ok(Self {
            interpreter: read
                .of("interpreter", INTERPRETER, |v| v.as_str().filter(|p| is_program(p)).map(String::from))?
                .ok_or_else(|| read.missing("interpreter", INTERPRETER))?,
            args: read.of("args", ARGUMENTS, args)?.unwrap_or_default(),
            timeout_seconds: read.of("timeout-seconds", SECONDS, seconds)?.unwrap_or(60),
            severity: read
                .of("severity", SEVERITY, |v| v.as_str().and_then(|s| s.parse().ok()))?
                .unwrap_or_default(),
        })
    }
}

struct Read {
    file: String,
    table: Table,
}

impl Read {
    /// The value of a key; `None` if it is not set.
    fn of<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        valid: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, InvalidSettings> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let invalid = || InvalidSettings::Invalid {
            file: self.file.clone(),
            key,
            value: value.to_string().chars().take(200).collect(),
            expected,
        };
        valid(value).map(Some).ok_or_else(invalid)
    }

    fn missing(&self, key: &'static str, expected: &'static str) -> InvalidSettings {
        InvalidSettings::Missing { file: self.file.clone(), key, expected }
    }
}

/// Nothing in such a path means anything to systemd.
fn is_program(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+');
    path.starts_with('/')
        && path.len() <= 1024
        && path.chars().all(plain)
        && path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))
}

fn args(value: &Value) -> Option<Vec<String>> {
    let all = value.as_array().filter(|all| all.len() <= ARGS)?;
    let plain = |text: &&str| text.len() <= ARG_BYTES && !text.chars().any(char::is_control);
    all.iter().map(|v| v.as_str().filter(plain).map(String::from)).collect()
}

fn seconds(value: &Value) -> Option<u32> {
    value.as_integer().filter(|n| (1..=LONGEST).contains(n)).and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Path::new("/c/a.sh.toml"), text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn settings_and_their_defaults() {
        let all = "interpreter = \"/usr/bin/python3\"\nargs = [\"--project\", \"test\", \"50%\"]\ntimeout-seconds = 600\nseverity = \"warning\"\n";
        let want = Settings {
            interpreter: "/usr/bin/python3".into(),
            args: ["--project", "test", "50%"].map(String::from).to_vec(),
            timeout_seconds: 600,
            severity: CheckSeverity::Warning,
        };
        assert_eq!(parse(all), Ok(want));
        let least = parse("interpreter = \"/bin/sh\"\n").unwrap();
        assert_eq!(
            (least.args.len(), least.timeout_seconds, least.severity),
            (0, 60, CheckSeverity::Blocker)
        );
    }

    #[test]
    fn each_fault_names_file_key_value_and_what_is_expected() {
        let shell = "interpreter = \"/bin/sh\"\n";
        let long = format!("interpreter = \"/bin/sh\"\nargs = [{}]\n", "\"x\",".repeat(65));
        for (text, words) in [
            ("", "/c/a.sh.toml: interpreter is missing: expected the absolute path of a program"),
            (
                "interpreter = \"python3\"\n",
                "/c/a.sh.toml: interpreter = \"python3\" is not valid: expected the absolute",
            ),
            ("interpreter = \"/bin/../sh\"\n", "interpreter = \"/bin/../sh\" is not valid"),
            (
                "interpreter = \"/usr/bin/env python3\"\n",
                "interpreter = \"/usr/bin/env python3\" is not valid",
            ),
            ("interpreter = \"/bin/$SHELL\"\n", "is not valid"),
            ("interpreter = 3\n", "interpreter = 3 is not valid"),
            (
                &format!("{shell}shell = true\n"),
                "/c/a.sh.toml: shell = true is not known: expected interpreter, args, timeout-seconds, severity",
            ),
            (
                &format!("{shell}timeout-seconds = 0\n"),
                "/c/a.sh.toml: timeout-seconds = 0 is not valid: expected a whole number of seconds from 1 to 600",
            ),
            (&format!("{shell}timeout-seconds = 601\n"), "timeout-seconds = 601 is not valid"),
            (&format!("{shell}timeout-seconds = \"60s\"\n"), "timeout-seconds = \"60s\" is not valid"),
            (
                &format!("{shell}severity = \"fatal\"\n"),
                "severity = \"fatal\" is not valid: expected \"blocker\" or \"warning\"",
            ),
            (
                &format!("{shell}args = \"--all\"\n"),
                "args = \"--all\" is not valid: expected at most 64 texts",
            ),
            (&format!("{shell}args = [1]\n"), "args = [1] is not valid"),
            (&format!("{shell}args = [\"a\\nb\"]\n"), "is not valid"),
            (&long, "args = "),
            ("interpreter = \n", "/c/a.sh.toml is no TOML: "),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        let binary = Settings::parse(Path::new("/c/a.sh.toml"), b"\xff").unwrap_err().to_string();
        assert_eq!(binary, "/c/a.sh.toml is no TOML: it is not text");
    }
}
