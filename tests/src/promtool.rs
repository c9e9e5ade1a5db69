//! Prometheus' own checker, from Debian's `prometheus` package. Where it is not installed the package is fetched and unpacked into a
//! cache, not installed: nothing may start a server here.
#![allow(clippy::disallowed_methods)] // a test runs programs and keeps a cache

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs it; panics with what it said if it fails, and with what to do where it can't be had.
pub fn promtool(args: &[&str], stdin: &str, dir: &Path) -> String {
    use std::io::Write as _;
    let mut child = Command::new(program())
        .args(args)
        .current_dir(dir)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("promtool: {e}"));
    // One that fails before it reads says so itself.
    drop(child.stdin.take().map(|mut pipe| pipe.write_all(stdin.as_bytes())));
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("promtool: {e}"));
    assert!(output.status.success(), "promtool {args:?} in {}:\n{}", dir.display(), text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn program() -> PathBuf {
    let installed = Command::new("promtool").arg("--version").output();
    if installed.is_ok_and(|o| o.status.success()) {
        return "promtool".into();
    }
    let cache = cache();
    let unpacked = cache.join("prometheus/usr/bin/promtool");
    if !unpacked.exists() {
        fetch(&cache);
    }
    unpacked
}

fn cache() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache"));
    named.or_else(home).unwrap_or_else(std::env::temp_dir).join("podlift-tools")
}

/// Side by side with other tests that do the same: each unpacks into a folder of its own, and the last rename wins.
fn fetch(cache: &Path) {
    std::fs::create_dir_all(cache).unwrap_or_else(|e| panic!("{}: {e}", cache.display()));
    let scratch = tempfile::tempdir_in(cache).unwrap_or_else(|e| panic!("{}: {e}", cache.display()));
    let download =
        || run(Command::new("apt-get").args(["download", "prometheus"]).current_dir(scratch.path()));
    if let Err(why) = download() {
        // A machine without package lists: fetch them once.
        let lists = run(Command::new("apt-get").args(["update", "-q"]));
        let again = lists.and_then(|()| download());
        assert!(
            again.is_ok(),
            "promtool is not here and can't be fetched: install Debian's prometheus package.\n{why}\n{again:?}"
        );
    }
    let packages = std::fs::read_dir(scratch.path()).unwrap_or_else(|e| panic!("{e}"));
    let package = packages.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "deb"));
    let package =
        package.unwrap_or_else(|| panic!("apt-get download left no package in {}", scratch.path().display()));
    let tree = scratch.path().join("tree");
    let unpacked = run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&tree));
    unpacked.unwrap_or_else(|why| panic!("{why}"));
    let done = cache.join("prometheus");
    if std::fs::rename(&tree, &done).is_err() {
        assert!(done.join("usr/bin/promtool").exists(), "{} can't be made", done.display());
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{command:?}: {}", text(&output))),
        Err(e) => Err(format!("{command:?}: {e}")),
    }
}
