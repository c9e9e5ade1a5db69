//! Starting a unit: `systemd-run`, with everything that matters on its command line.

use super::{UnitSpec, Units, unit_name};
use crate::host::{CommandError, Invocation};
use crate::paths;
use podlift_model::{Failure, OpId};

impl Units {
    /// Returns when the program has been executed (Type=exec) or can't be. A call that took too long may have started the unit: then
    /// `wait` finds out.
    pub(crate) async fn start(&self, op: &OpId, spec: &UnitSpec) -> Result<(), Failure> {
        let log = paths::op_log(op);
        let lost = |e: std::io::Error| {
            let message = format!("{} can't be written ({e}); free space on its filesystem", log.display());
            Failure::operator("state-unwritable", message)
        };
        self.files.write(&log, b"", 0o600).map_err(lost)?;
        match self.commands.run(&Invocation::new("systemd-run", self.argv(op, spec))).await {
            Ok(output) if output.success() => Ok(()),
            Ok(output) => {
                let message = format!(
                    "{} could not be started as {}: systemd-run exited {}",
                    spec.program,
                    unit_name(op),
                    output.code
                );
                Err(Failure::operator("unit-not-started", message).with_detail(&output.stderr))
            }
            Err(CommandError::TimedOut { .. }) => Ok(()),
            Err(e) => Err(Failure::operator("unit-not-started", e.to_string())),
        }
    }

    fn argv(&self, op: &OpId, spec: &UnitSpec) -> Vec<String> {
        let log = paths::op_log(op);
        let record: Vec<String> = self
            .recorder
            .iter()
            .map(String::as_str)
            .chain(["record-exit", op.as_str()])
            .map(quoted)
            .collect();
        let mut argv = vec![
            "--quiet".to_string(),
            format!("--unit={}", unit_name(op)),
            format!("--description=podlift op {op}"),
            "--property=Type=exec".into(),
            format!("--property=StandardOutput=append:{}", log.display()),
            format!("--property=StandardError=append:{}", log.display()),
            format!("--property=ExecStopPost={}", record.join(" ")),
            "--property=TimeoutStopSec=30".into(),
        ];
        argv.extend(spec.limit.map(|l| format!("--property=RuntimeMaxSec={}", l.as_secs().max(1))));
        argv.push(format!("--setenv=PATH={}", self.path));
        argv.extend(spec.env.iter().map(|(name, value)| format!("--setenv={name}={value}")));
        argv.push(spec.program.into());
        argv.extend(spec.args.iter().cloned());
        argv
    }
}

/// A word of a systemd command line: quoted where it needs to be, `%` and `$` kept from being expanded.
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
