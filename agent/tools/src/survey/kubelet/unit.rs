//! The kubelet's unit with its drop-ins, as far as they determine the command line: `ExecStart=`, `Environment=`, `EnvironmentFile=`. Pure.

use super::words::{Variable, is_name, split};
use std::collections::BTreeMap;

/// The effective settings after all files were read in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// The command line, and the file that sets it.
    pub exec: Option<(String, String)>,
    pub variables: BTreeMap<String, Variable>,
    pub files: Vec<EnvironmentFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentFile {
    pub path: String,
    /// Written with a dash, so the file may be missing.
    pub optional: bool,
}

impl Unit {
    /// Reads one more file. Its settings override earlier ones, and an empty value clears them.
    pub fn read(&mut self, path: &str, text: &str) {
        for (key, value) in service(text) {
            match key.as_str() {
                "ExecStart" if value.is_empty() => self.exec = None,
                // A service of another type may have several; the last one wins here.
                "ExecStart" => self.exec = Some((without_prefix(&value).into(), path.into())),
                "Environment" if value.is_empty() => self.variables.clear(),
                "Environment" => {
                    self.variables.extend(split(&value).iter().filter_map(|w| variable(w, path)))
                }
                "EnvironmentFile" if value.is_empty() => self.files.clear(),
                "EnvironmentFile" => self.files.push(environment_file(&value)),
                _ => {}
            }
        }
    }
}

/// `-`, `@`, `:`, `+` and `!` before the program change how it starts, but not its arguments.
fn without_prefix(value: &str) -> &str {
    value.trim_start_matches(['-', '@', ':', '+', '!'])
}

fn variable(word: &str, path: &str) -> Option<(String, Variable)> {
    let (name, value) = word.split_once('=').filter(|(name, _)| is_name(name))?;
    Some((name.into(), Variable { value: value.into(), origin: path.into() }))
}

fn environment_file(value: &str) -> EnvironmentFile {
    let value = split(value).into_iter().next().unwrap_or_default();
    let path = value.strip_prefix('-');
    EnvironmentFile { optional: path.is_some(), path: path.unwrap_or(&value).to_string() }
}

/// Keys and values in the section `[Service]`.
fn service(text: &str) -> Vec<(String, String)> {
    let mut inside = false;
    let mut all = Vec::new();
    for line in joined(text) {
        match line.trim() {
            section if section.starts_with('[') => inside = section == "[Service]",
            line if inside => {
                let pair = line.split_once('=');
                all.extend(pair.map(|(key, value)| (key.trim().to_string(), value.trim().to_string())));
            }
            _ => {}
        }
    }
    all
}

/// Logical lines: a line that ends in a backslash continues on the next one, and comments between them are dropped.
fn joined(text: &str) -> Vec<String> {
    let (mut all, mut open) = (Vec::new(), None::<String>);
    for line in text.lines().filter(|l| !l.trim_start().starts_with(['#', ';'])) {
        let whole = open.take().unwrap_or_default() + line;
        match whole.strip_suffix('\\') {
            Some(start) => open = Some(format!("{start} ")),
            None => all.push(whole),
        }
    }
    all.extend(open);
    all
}
