//! `podlift` as a person types it, against the lab's coordinator or the second one.

use super::child;
use super::lab::Lab;
use anyhow::Context as _;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::Command;

/// How a call of `podlift` ended.
#[derive(Debug)]
pub struct Called {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Called {
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("podlift printed no JSON: {:?}", self.stdout))
    }
}

impl Lab {
    /// Its narration is passed on to our stderr where `show` says so.
    pub async fn podlift(&self, args: &[&str], show: bool) -> anyhow::Result<Called> {
        self.podlift_at("head", args, show).await
    }

    /// The same with the configuration of that folder.
    pub async fn podlift_at(&self, folder: &str, args: &[&str], show: bool) -> anyhow::Result<Called> {
        let mut command = self.podlift_command(folder, args);
        command.stderr(Stdio::piped());
        let mut child = command.spawn().context("podlift could not be started")?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = tokio::join!(whole(out), lines(err, show));
        let code = child.wait().await?.code().unwrap_or(-1);
        Ok(Called { code, stdout: stdout?, stderr: stderr? })
    }

    /// A folder with a `podlift` that knows this lab's coordinator.
    pub fn write_podlift(&self) -> anyhow::Result<PathBuf> {
        let (exe, config) = (self.processes.exe().display(), self.at("head/podlift.toml"));
        let text = format!("#!/bin/sh\nexec '{exe}' podlift --config '{}' \"$@\"\n", config.display());
        self.scratch.write("person/podlift", &text, 0o755)?;
        Ok(self.at("person"))
    }

    /// Not started yet; stdout is a pipe, stderr nothing.
    pub fn podlift_command(&self, folder: &str, args: &[&str]) -> Command {
        let config = self.at(folder).join("podlift.toml").display().to_string();
        let all: Vec<&str> =
            ["podlift", "--config", &config].into_iter().chain(args.iter().copied()).collect();
        let mut command = child::again(self.processes.exe(), &all);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

async fn whole(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = vec![];
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn lines(stream: Option<impl AsyncRead + Unpin>, show: bool) -> std::io::Result<String> {
    let mut text = String::new();
    let Some(stream) = stream else { return Ok(text) };
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        if show {
            anstream::eprintln!("{line}");
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}
