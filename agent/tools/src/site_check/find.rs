//! Finds the checks: each script with its settings, or with what keeps it from being run.

use super::settings::Settings;
use super::{FOLDER, SCRIPT_BYTES, SETTINGS_BYTES};
use crate::files::file_failure;
use podlift_host::{Files, Owned, Unowned};
use podlift_model::site_check::{CheckName, CheckSeverity, SETTINGS, SiteCheckView};
use podlift_model::{Failure, codes};
use std::io;
use std::path::{Path, PathBuf};

/// A check that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: CheckName,
    pub script: Vec<u8>,
    pub settings: Settings,
}

/// All files of the folder that are neither hidden nor settings, sorted by name. Empty if there is no folder.
pub fn find(files: &dyn Files) -> Result<Vec<SiteCheckView>, Failure> {
    let folder = Path::new(FOLDER);
    let names = match files.list(folder) {
        Ok(names) => names,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(file_failure(folder, &e)),
    };
    let scripts = names.into_iter().filter(|name| !name.starts_with('.') && !name.ends_with(SETTINGS));
    Ok(scripts.map(|name| view(files, name)).collect())
}

/// The check of this name, ready to run. A fault is a failure that a person has to mend.
pub fn load(files: &dyn Files, name: &CheckName) -> Result<Check, Failure> {
    let path = script_of(name.as_str());
    if files.stat(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
        let message = format!("{} is not there; podlift validate lists the checks again", path.display());
        return Err(Failure::operator(codes::SITE_CHECK_MISSING, message));
    }
    let settings = settings(files, name.as_str());
    let refused = |why: String| {
        let message =
            format!("site check {name} was not run: {why}; mend it on the head node, then podlift validate");
        Failure::operator(codes::SITE_CHECK_REFUSED, message)
    };
    let settings = settings.map_err(refused)?;
    let script = script(files, name.as_str()).map_err(|e| refused(e.to_string()))?.bytes;
    interpreter(files, &settings).map_err(refused)?;
    Ok(Check { name: name.clone(), script, settings })
}

fn view(files: &dyn Files, name: String) -> SiteCheckView {
    let settings = settings(files, &name);
    let named = CheckName::new(name.clone()).map_err(|e| e.to_string()).map(drop);
    let fault = named
        .and_then(|()| script(files, &name).map(drop).map_err(|e| e.to_string()))
        .and_then(|()| settings.as_ref().map_err(Clone::clone).and_then(|s| interpreter(files, s)))
        .err();
    let settings = settings.ok();
    SiteCheckView {
        name,
        fault,
        severity: settings.as_ref().map_or(CheckSeverity::default(), |s| s.severity),
        timeout_seconds: settings.as_ref().map_or(0, |s| s.timeout_seconds),
        interpreter: settings.as_ref().map(|s| s.interpreter.clone()).unwrap_or_default(),
        args: settings.map(|s| s.args).unwrap_or_default(),
    }
}

fn script_of(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn script(files: &dyn Files, name: &str) -> Result<Owned, Unowned> {
    files.read_owned(&script_of(name), SCRIPT_BYTES)
}

fn settings(files: &dyn Files, name: &str) -> Result<Settings, String> {
    let path = script_of(&format!("{name}{SETTINGS}"));
    match files.read_owned(&path, SETTINGS_BYTES) {
        Ok(owned) => Settings::parse(&path, &owned.bytes).map_err(|e| e.to_string()),
        Err(e) if e.is_missing() => Err(format!(
            "{} is missing: expected a file with the line interpreter = \"/usr/bin/python3\", or another program",
            path.display()
        )),
        Err(e) => Err(e.to_string()),
    }
}

/// Bits of execution.
const EXECUTE: u32 = 0o111;

fn interpreter(files: &dyn Files, settings: &Settings) -> Result<(), String> {
    let named = &settings.interpreter;
    match files.program(Path::new(named)) {
        Ok(stat) if stat.mode & EXECUTE != 0 => Ok(()),
        Ok(stat) => Err(format!("interpreter {named} can't be executed (mode {:04o})", stat.mode)),
        Err(e) if e.is_missing() => {
            Err(format!("interpreter {named} is not there: expected a program of this node"))
        }
        Err(e) => Err(format!("interpreter {named} is not used: {e}")),
    }
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
