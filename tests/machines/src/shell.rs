//! One command of this machine, to its end. It judges nothing but the exit code.

use anyhow::{Context as _, bail};
use std::ffi::OsStr;
use std::process::Stdio;
use tokio::process::Command;

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

/// Any end; Err only where it could not be started.
pub async fn ended(argv: &[impl AsRef<OsStr>]) -> anyhow::Result<Ended> {
    let (program, args) = argv.split_first().context("a command without a name")?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let name = program.as_ref().to_string_lossy().into_owned();
    let out = command.output().await.with_context(|| format!("{name} could not be started"))?;
    let text = |b: Vec<u8>| String::from_utf8_lossy(&b).into_owned();
    Ok(Ended { code: out.status.code().unwrap_or(-1), stdout: text(out.stdout), stderr: text(out.stderr) })
}

/// Its stdout; Err with its last words where it exits otherwise than 0.
pub async fn run(argv: &[impl AsRef<OsStr>]) -> anyhow::Result<String> {
    let ended = ended(argv).await?;
    if !ended.success() {
        let words: Vec<_> = argv.iter().map(|a| a.as_ref().to_string_lossy().into_owned()).collect();
        bail!("`{}` exited {}\n{}", words.join(" "), ended.code, tail(&ended));
    }
    Ok(ended.stdout)
}

fn tail(ended: &Ended) -> String {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    let lines: Vec<&str> = all.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
