//! Starts a unit with `systemd-run` and everything that matters on its command line.

use super::presence::Presence;
use super::{UnitSpec, Units, name, unit_name};
use podlift_host::paths;
use podlift_host::{CommandError, Invocation};
use podlift_model::{Failure, OpId};
use std::path::Path;

/// For units that must not be ended from outside: the stop signal has no effect, and systemd waits this many seconds. That applies when the
/// machine shuts down, or when the program itself is killed and its children still work.
const UNHURRIED: [&str; 2] = ["KillSignal=SIGCONT", "TimeoutStopSec=600"];

impl Units {
    /// Returns when the program has been executed (Type=exec) or can't be. A call that took too long, or failed after the unit existed,
    /// counts as a start: `wait` then finds out how it ended.
    pub(crate) async fn start(&self, op: &OpId, spec: &UnitSpec) -> Result<(), Failure> {
        self.name_is_free(op).await?;
        let log = paths::op_log(op);
        let lost = |e: std::io::Error| {
            let message = format!("{} can't be written ({e}); free space on its filesystem", log.display());
            Failure::operator("state-unwritable", message)
        };
        self.files.write(&log, b"", 0o600).map_err(lost)?;
        let output = match self.commands.run(&Invocation::new("systemd-run", self.argv(op, spec))).await {
            Ok(output) if output.success() => return Ok(()),
            Err(CommandError::TimedOut { .. }) => return Ok(()),
            Ok(output) => output,
            Err(e) => return Err(Failure::operator("unit-not-started", e.to_string())),
        };
        if name::is_taken(&output.stderr) {
            return Err(name::taken(op, "is known to systemd already").with_detail(&output.stderr));
        }
        // systemd-run reports a unit whose program or recorder failed at once as one that it could not start.
        if self.exited(op).is_some() || matches!(self.presence(op).await, Presence::There | Presence::Over(_))
        {
            return Ok(());
        }
        let unit = unit_name(op);
        let message = format!(
            "{} could not be started as {unit}: systemd-run exited {}; see `systemctl status {unit}`",
            spec.program, output.code
        );
        Err(Failure::operator("unit-not-started", message).with_detail(&output.stderr))
    }

    fn argv(&self, op: &OpId, spec: &UnitSpec) -> Vec<String> {
        let log = paths::op_log(op);
        let recorder = self.recorder.iter().map(String::as_str).chain(["record-exit", op.as_str()]);
        let mut argv = vec!["--quiet".to_string()];
        // The preceding command may take long, so this call does not wait for it.
        argv.extend((!spec.first.is_empty()).then(|| "--no-block".to_string()));
        argv.extend([format!("--unit={}", unit_name(op)), format!("--description=podlift op {op}")]);
        let mut property = |text: String| argv.push(format!("--property={text}"));
        property("Type=exec".into());
        property(format!("StandardOutput=append:{}", log.display()));
        property(format!("StandardError=append:{}", log.display()));
        property(format!("ExecStopPost={}", command(recorder)));
        // If memory runs out, a child may die. The program itself reports what that means.
        property("OOMPolicy=continue".into());
        if !spec.first.is_empty() {
            property("TimeoutStartSec=infinity".into());
            let (program, args) = spec.first.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
            let program = self.absolute(program);
            let words = std::iter::once(program.as_str()).chain(args.iter().map(String::as_str));
            property(format!("ExecStartPre={}", command(words)));
        }
        match spec.limit {
            Some(limit) => {
                property("TimeoutStopSec=30".into());
                property(format!("RuntimeMaxSec={}", limit.as_secs().max(1)));
            }
            None => UNHURRIED.iter().for_each(|p| property((*p).into())),
        }
        argv.push(format!("--setenv=PATH={}", self.path));
        argv.extend(spec.env.iter().map(|(name, value)| format!("--setenv={name}={value}")));
        argv.push(spec.program.into());
        argv.extend(spec.args.iter().cloned());
        argv
    }

    /// systemd itself looks for a preceding command in folders of its own, and BCM's tools are in none of them.
    fn absolute(&self, program: &str) -> String {
        let folders = self.path.split(':').filter(|_| !program.contains('/'));
        let mut places = folders.map(|folder| Path::new(folder).join(program));
        let found = places.find(|place| self.files.stat(place).is_ok());
        found.map_or(program.into(), |place| place.display().to_string())
    }
}

/// A command line in systemd's syntax.
fn command<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word of a systemd command line, quoted if necessary, with `%` and `$` protected from expansion.
fn quoted(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | '=' | ':' | '@')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}
