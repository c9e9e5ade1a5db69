//! rsync from one tree to another, as a provisioner runs it: everything becomes equal, but for what the exclude lists keep.

use super::excluded::Lists;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// How an update ended: the lines of its log that name files, and rsync's exit code.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    pub lines: Vec<String>,
    pub code: i32,
    pub stderr: String,
}

/// Makes `node` equal to `image`, or says what would change.
pub fn update(image: &Path, node: &Path, lists: &Lists, write: bool) -> anyhow::Result<Ended> {
    // Looked for before the first pass, which makes nothing of it.
    let fresh = lists.only_in_image(image, node);
    let excludes = file(&lists.patterns())?;
    let from = format!("--exclude-from={}", excludes.path().display());
    let ended = run(&["--delete", &from], image, node, write)?;
    if ended.code != 0 || fresh.is_empty() {
        return Ok(ended);
    }
    let fresh = only(&fresh, image, node, write)?;
    Ok(Ended { lines: [ended.lines, fresh.lines].concat(), ..fresh })
}

/// Adds what `from` has and no list excludes; nothing is deleted.
pub fn grab(from: &Path, image: &Path, lists: &Lists) -> anyhow::Result<()> {
    let excludes = file(&lists.patterns())?;
    let ended = run(&[&format!("--exclude-from={}", excludes.path().display())], from, image, true)?;
    anyhow::ensure!(ended.code == 0, "rsync exited {}: {}", ended.code, ended.stderr);
    Ok(())
}

fn only(paths: &[PathBuf], image: &Path, node: &Path, write: bool) -> anyhow::Result<Ended> {
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let files = file(&text)?;
    let from = format!("--files-from={}", files.path().display());
    run(&["-r", "--no-implied-dirs", "--ignore-existing", &from], image, node, write)
}

fn run(options: &[&str], from: &Path, to: &Path, write: bool) -> anyhow::Result<Ended> {
    let mut command = Command::new("rsync");
    command.args(["-a", "-v", "--numeric-ids"]).args(options).args((!write).then_some("--dry-run"));
    command.arg(format!("{}/", from.display())).arg(format!("{}/", to.display()));
    let out = command.stdin(Stdio::null()).output().context("rsync could not be started")?;
    Ok(Ended {
        lines: listed(&String::from_utf8_lossy(&out.stdout)),
        code: out.status.code().unwrap_or(-1),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    })
}

fn file(text: &str) -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Between the head of the list and the empty line before its sums.
fn listed(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().skip_while(|l| !l.ends_with("file list")).skip(1);
    lines.take_while(|l| !l.is_empty()).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_files() {
        let said = "building file list ... done\nsending incremental file list\ndeleting opt/x\netc/\netc/y\n\nsent 1 bytes  received 2 bytes\n";
        assert_eq!(listed(said), ["deleting opt/x", "etc/", "etc/y"]);
        assert_eq!(listed("sending incremental file list\n\nsent 1 bytes\n"), Vec::<String>::new());
    }
}
