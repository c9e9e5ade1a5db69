//! The journal as people see it: `podlift events --run all --follow -o json`, taken up again where the coordinator was away.

use super::super::scenario::RecordSeen;
use crate::supervisor::Lab;
use anyhow::Context as _;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Before the next attempt at a coordinator that is away.
const AGAIN: Duration = Duration::from_millis(100);

/// Follows for ever; waits without following if `wanted` is false.
pub async fn follow(lab: &Lab, wanted: bool, mut seen: impl FnMut(Value)) -> anyhow::Result<()> {
    if !wanted {
        return std::future::pending().await;
    }
    let mut next = 0;
    loop {
        let from = next.to_string();
        let args = ["events", "--run", "all", "--follow", "-o", "json", "--from", &from];
        let mut child = lab.podlift_command("head", &args).spawn().context("podlift could not be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        while let Some(line) = lines.next_line().await? {
            let record: Value = serde_json::from_str(&line).with_context(|| format!("no record: {line}"))?;
            next = record["seq"].as_u64().map_or(next, |seq| seq + 1);
            seen(record);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whether there is such a record.
pub async fn has(lab: &Lab, wanted: &RecordSeen) -> anyhow::Result<bool> {
    let called = lab.podlift(&["events", "--run", "all", "-o", "json"], false).await?;
    let mut records = called.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    Ok(records.any(|r| wanted.matches(&r)))
}
