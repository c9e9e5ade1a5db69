//! The root side: one connection, one question. systemd starts it with the connection as stdin (podlift-bcm@.service). Who asks is known
//! from the kernel, never from what is said.

use super::run::Tools;
use super::{Answer, Question};
use anyhow::{Context as _, bail};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as StdStream;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// A question is short.
const QUESTION: u64 = 4 << 10;
/// Whoever connects has something to ask.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves the connection on stdin. `user` is the one that may ask, beside root.
pub fn main(user: &str) -> anyhow::Result<()> {
    let uid = nix::unistd::User::from_name(user).with_context(|| format!("user {user}"))?;
    let Some(uid) = uid.map(|u| u.uid.as_raw()) else {
        bail!("there is no user {user}: systemd-sysusers podlift.conf makes it")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream =
            connection().context("stdin is no connection: systemd starts this (podlift-bcm.socket)")?;
        serve(stream, &[0, uid], &Tools::default()).await
    })
}

fn connection() -> std::io::Result<UnixStream> {
    let stream = StdStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// Reads a question, answers it, and is done.
pub(super) async fn serve(mut stream: UnixStream, allowed: &[u32], tools: &Tools) -> anyhow::Result<()> {
    let uid = stream.peer_cred().context("who asks is not known")?.uid();
    // Read in any case: an answer to somebody who is still talking may be lost.
    let answer = match line(&mut stream).await {
        Ok(_) if !allowed.contains(&uid) => Err(format!("uid {uid} may not ask")),
        Ok(line) => answer(&line, tools).await,
        Err(why) => Err(why),
    };
    let answer = answer.unwrap_or_else(|why| Answer::Refused { why });
    tracing::info!(uid, ?answer, "answered");
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.shutdown().await.context("the answer could not be sent")
}

async fn answer(line: &str, tools: &Tools) -> Result<Answer, String> {
    let question: Question =
        serde_json::from_str(line).map_err(|e| format!("not a question that is known: {e}"))?;
    tracing::info!(?question, "asked");
    let (program, args) = question.argv();
    tools.run(program, &args).await.map(Answer::Ran)
}

async fn line(stream: &mut UnixStream) -> Result<String, String> {
    let mut line = String::new();
    let mut limited = BufReader::new(stream.take(QUESTION));
    let read = tokio::time::timeout(PATIENCE, limited.read_line(&mut line)).await;
    read.map_err(|_| format!("no question within {} s", PATIENCE.as_secs()))?.map_err(|e| e.to_string())?;
    Ok(line)
}
