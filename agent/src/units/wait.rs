//! Waits for a unit: looks for its exit record, and asks systemd whether it still exists. It does not judge the exit.

use super::presence::Presence;
use super::{Exit, Units, read_exit, record_exit, unit_name};
use podlift_host::Invocation;
use podlift_host::paths;
use podlift_model::OpId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Exited(Exit),
    /// There is no record and no unit, so the end is unknown, for this reason.
    Unknown(String),
}

impl Units {
    /// Returns when the unit has ended. `progress` gets the last line of its output whenever that changes.
    pub(crate) async fn wait(&self, op: &OpId, mut progress: impl FnMut(&str) + Send) -> Ended {
        let mut shown = String::new();
        loop {
            if let Some(ended) = self.exited(op) {
                return ended;
            }
            match self.presence(op).await {
                Presence::There | Presence::NoAnswer => {}
                // The unit may have written the record between the two looks.
                Presence::Gone => {
                    let unknown =
                        || Ended::Unknown(format!("{} is gone and left no exit record", unit_name(op)));
                    return self.exited(op).unwrap_or_else(unknown);
                }
                Presence::Over(remembered) => {
                    return self.exited(op).unwrap_or_else(|| self.keep(op, self.exit_of(remembered)));
                }
            }
            let line = last_line(&self.log(op));
            if line != shown {
                progress(&line);
                shown = line;
            }
            tokio::time::sleep(self.poll).await;
        }
    }

    /// Writes systemd's memory of the end to the disk, because systemd forgets it.
    fn keep(&self, op: &OpId, exit: Exit) -> Ended {
        tracing::warn!(%op, "the unit's own recorder failed; its end is written down from systemd's memory");
        if let Err(error) = record_exit(self.files.as_ref(), op, &exit) {
            tracing::warn!(%op, %error, "an exit record can't be written");
        }
        Ended::Exited(exit)
    }

    /// Whether the unit runs, has left its exit record, or systemd remembers how it ended.
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

    /// Everything that the unit printed so far.
    pub(crate) fn log(&self, op: &OpId) -> String {
        let bytes = self.files.read(&paths::op_log(op)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Removes a failed unit from systemd's list; the ledger has its outcome now.
    pub(crate) async fn forget(&self, op: &OpId) {
        drop(self.commands.run(&Invocation::new("systemctl", ["reset-failed", &unit_name(op)])).await);
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
    fn people_see_the_last_line_that_says_something() {
        assert_eq!(last_line("a\n[upgrade] b \n\n"), "[upgrade] b");
        let log = include_str!("../../../tests/fixtures/apt/lock.txt");
        let held = last_line(log.split("\nE: ").next().unwrap());
        assert!(held.contains("held by process 6296 (perl)"), "{held}");
    }
}
