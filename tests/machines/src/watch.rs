//! Conditions that are looked at until they hold, or until that is no use any more.

use crate::fleet::Fleet;
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(240);
const LOOK: Duration = Duration::from_millis(100);

/// Looks every tenth of a second.
pub async fn until<T, F: Future<Output = anyhow::Result<Option<T>>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> anyhow::Result<T> {
    let since = Instant::now();
    let mut last = None;
    while since.elapsed() < LIMIT {
        // The process that is asked may be away: that is what faults are about.
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(LOOK).await;
    }
    let last = last.map(|e| format!("; last: {e:#}")).unwrap_or_default();
    bail!("{what}: not within {} s{last}", LIMIT.as_secs())
}

/// Looks without a pause, on a thread of its own: for what lasts milliseconds.
pub async fn at_once<T: Send + 'static>(
    mut look: impl FnMut() -> Option<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (send, found) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // The receiver may be gone.
        while !send.is_closed() {
            if let Some(found) = look() {
                return send.send(found).ok();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    });
    let found = tokio::time::timeout(LIMIT, found).await;
    found.context("what the fault was to hit never came")?.context("the thread that looked for it ended")
}

/// The records of the journal of which this is so.
pub async fn events(fleet: &Fleet, is: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<Value>> {
    let ended = fleet.podlift(&["events", "--run", "all", "-o", "json"]).await?;
    if !ended.success() {
        bail!("podlift events exited {}: {}", ended.code, ended.stderr);
    }
    let records = ended.stdout.lines().filter_map(|l| serde_json::from_str(l).ok());
    Ok(records.filter(|r| is(r)).collect())
}

/// The first of them, as soon as it is there.
pub async fn event(fleet: &Fleet, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    until("a record of the journal", || async { Ok(events(fleet, &is).await?.into_iter().next()) }).await
}
