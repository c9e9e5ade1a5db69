//! Waiting for a unit: look for its exit record, and ask systemd whether it is still there. Never decides what an exit means.

use super::{Exit, Units, read_exit, unit_name};
use crate::host::Invocation;
use crate::paths;
use podlift_model::OpId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Exited(Exit),
    /// No record and no unit: nobody can know how it ended. With the reason.
    Unknown(String),
}

/// What systemd says of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Gone,
    /// systemd did not answer; ask again.
    NoAnswer,
}

impl Units {
    /// Returns when the unit has ended. `progress` gets the last line of its output whenever that changes.
    pub(crate) async fn wait(&self, op: &OpId, mut progress: impl FnMut(&str) + Send) -> Ended {
        let mut shown = String::new();
        loop {
            if let Some(ended) = self.exited(op) {
                return ended;
            }
            if self.presence(op).await == Presence::Gone {
                // The record may have been written between the two looks.
                let unknown = || Ended::Unknown(format!("{} is gone and left no exit record", unit_name(op)));
                return self.exited(op).unwrap_or_else(unknown);
            }
            let line = last_line(&self.log(op));
            if line != shown {
                progress(&line);
                shown = line;
            }
            tokio::time::sleep(self.poll).await;
        }
    }

    /// The unit runs, or has left its exit record.
    pub(crate) async fn known(&self, op: &OpId) -> bool {
        self.exited(op).is_some() || self.presence(op).await != Presence::Gone
    }

    /// The exit record, if there is one.
    pub(crate) fn exited(&self, op: &OpId) -> Option<Ended> {
        match read_exit(self.files.as_ref(), op) {
            Ok(exit) => exit.map(Ended::Exited),
            Err(e) => Some(Ended::Unknown(format!(
                "its exit record {} can't be read: {e}",
                paths::op_exit(op).display()
            ))),
        }
    }

    /// All that the unit printed so far.
    pub(crate) fn log(&self, op: &OpId) -> String {
        let bytes = self.files.read(&paths::op_log(op)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn presence(&self, op: &OpId) -> Presence {
        let unit = unit_name(op);
        let properties = "LoadState,ActiveState,SubState,Result,ExecMainStatus";
        match self.commands.run(&Invocation::new("systemctl", ["show", "-p", properties, &unit])).await {
            Ok(output) if output.success() => presence(&output.stdout),
            Ok(_) | Err(_) => Presence::NoAnswer,
        }
    }

    /// Takes a failed unit out of systemd's list; how it ended is in the ledger now.
    pub(crate) async fn forget(&self, op: &OpId) {
        drop(self.commands.run(&Invocation::new("systemctl", ["reset-failed", &unit_name(op)])).await);
    }
}

fn presence(show: &str) -> Presence {
    let value = |name: &str| show.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
    match (value("LoadState"), value("ActiveState")) {
        (Some("not-found"), _) | (_, Some("inactive" | "failed")) => Presence::Gone,
        (None, None) => Presence::NoAnswer,
        _ => Presence::There,
    }
}

fn last_line(text: &str) -> String {
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_says() {
        let cases = [
            ("LoadState=loaded\nActiveState=active\nSubState=running\n", Presence::There),
            ("LoadState=loaded\nActiveState=activating\n", Presence::There),
            ("LoadState=loaded\nActiveState=deactivating\nSubState=stop-post\n", Presence::There),
            ("LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n", Presence::Gone),
            ("LoadState=not-found\nActiveState=inactive\n", Presence::Gone),
            ("", Presence::NoAnswer),
        ];
        for (show, want) in cases {
            assert_eq!(presence(show), want, "{show}");
        }
        assert_eq!(last_line("a\n[upgrade] b \n\n"), "[upgrade] b");
    }
}
