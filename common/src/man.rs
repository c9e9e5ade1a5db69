//! Manual pages from the description of a command line: one for the command and one for each visible verb. They are made for packages.

use crate::durable;
use clap::Command;
use std::io;
use std::path::{Path, PathBuf};

/// Writes NAME.SECTION below `dir`, and returns the files.
pub fn write(mut command: Command, section: &str, dir: &Path) -> io::Result<Vec<PathBuf>> {
    // Gives each verb its full name.
    command.build();
    let mut written = Vec::new();
    pages(&command, section, dir, &mut written)?;
    Ok(written)
}

fn pages(command: &Command, section: &str, dir: &Path, written: &mut Vec<PathBuf>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = dir.join(format!("{name}.{section}"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).section(section).render(&mut page)?;
    durable::write(&path, &page, 0o644)?;
    written.push(path);
    let shown = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    for verb in shown {
        pages(verb, section, dir, written)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_for_each_verb_that_is_shown() {
        let command = Command::new("daemon")
            .about("Does it")
            .subcommand(Command::new("run").about("Run it"))
            .subcommand(Command::new("secret").hide(true));
        let dir = tempfile::tempdir().unwrap();
        let written = write(command, "8", dir.path()).unwrap();
        assert_eq!(written, [dir.path().join("daemon.8"), dir.path().join("daemon-run.8")]);
        let page = durable::read_to_string(&written[0]).unwrap();
        assert!(page.contains(".TH daemon 8") && page.contains("Does it"), "{page}");
    }
}
