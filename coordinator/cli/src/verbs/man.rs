//! `podlift man`: hidden, for packages.

use crate::args::Args;
use crate::error::{CliError, Exit};
use crate::out;
use clap::{Command, CommandFactory as _};
use std::path::{Path, PathBuf};

/// Write the manual pages: podlift.1, and one for each verb.
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Examples:
  podlift man --out /usr/share/man/man1"
)]
pub(crate) struct Man {
    /// Folder of the pages.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub fn run(self) -> Result<Exit, CliError> {
        let written = all(&self.out)?;
        out::data(&written.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n"))?;
        Ok(Exit::Done)
    }
}

fn all(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut command = Args::command();
    // Gives each verb its full name.
    command.build();
    pages(&command, dir)
}

/// A page for the command and for all below it that people see.
fn pages(command: &Command, dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let path = dir.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
    let failed = |e: std::io::Error| CliError::failed(format!("{} can't be written", path.display()), e);
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(failed)?;
    podlift_common::durable::write(&path, &page, 0o644).map_err(failed)?;
    let mut written = vec![path.clone()];
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        written.extend(pages(sub, dir)?);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_has_a_page_that_shows_an_example() {
        let dir = tempfile::tempdir().unwrap();
        let written = all(dir.path()).unwrap();
        let names: Vec<String> =
            written.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
        for name in ["podlift.1", "podlift-status.1", "podlift-cert-issue.1"] {
            assert!(names.iter().any(|n| n == name), "{name} is not among {names:?}");
        }
        assert!(!names.iter().any(|n| n == "podlift-man.1"), "what is hidden has no page");
        for path in &written {
            let page = podlift_common::durable::read_to_string(path).unwrap();
            assert!(page.contains(".TH") && page.contains("Examples:"), "{}", path.display());
        }
    }
}
