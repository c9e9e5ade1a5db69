//! One call of `podlift` while things go wrong: it ends, and every fault has to have hit by then.

use crate::fleet::Fleet;
use crate::shell::Ended;
use anyhow::{Context as _, bail};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(420);
/// For what a fault still has to look at when the run is over.
const AFTERWARDS: Duration = Duration::from_secs(20);

pub type Fault<'a> = BoxFuture<'a, anyhow::Result<String>>;

/// The call's end, and what proves each fault.
pub async fn under(
    fleet: &Fleet,
    words: &[&str],
    faults: Vec<Fault<'_>>,
) -> anyhow::Result<(Ended, Vec<String>)> {
    let mut faults: FuturesUnordered<Fault<'_>> = faults.into_iter().collect();
    let mut proofs = vec![];
    let call = tokio::time::timeout(LIMIT, fleet.podlift(words));
    tokio::pin!(call);
    let ended = loop {
        tokio::select! {
            ended = &mut call => break ended.context("podlift did not end")??,
            Some(proof) = faults.next() => proofs.push(told(proof?)),
        }
    };
    anstream::eprintln!("machines: podlift {} exited {}", words.join(" "), ended.code);
    while !faults.is_empty() {
        match tokio::time::timeout(AFTERWARDS, faults.next()).await {
            Ok(Some(proof)) => proofs.push(told(proof?)),
            Ok(None) => break,
            Err(_) => bail!(
                "{} faults did not hit; podlift said\n{}{}",
                faults.len(),
                tail(&ended.stdout),
                tail(&ended.stderr)
            ),
        }
    }
    Ok((ended, proofs))
}

fn told(proof: String) -> String {
    anstream::eprintln!("machines: {proof}");
    proof
}

/// The last lines of a text.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
