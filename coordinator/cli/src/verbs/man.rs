//! `podlift man`, a hidden verb for packages.

use crate::args::Args;
use crate::error::{CliError, Exit};
use crate::out;
use clap::CommandFactory as _;
use std::path::{Path, PathBuf};

/// Write the manual pages: podlift.1, and one for each verb.
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Examples:
  podlift man --out /usr/share/man/man1"
)]
pub(crate) struct Man {
    /// Directory of the pages.
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
    let failed = |e| CliError::failed(format!("the pages can't be written below {}", dir.display()), e);
    podlift_common::man::write(Args::command(), "1", dir).map_err(failed)
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
