//! `apt-mark`: sets and removes holds, and waits for another program's lock. Only dpkg shows whether it worked.

use super::apt::lock;
use super::must;
use podlift_host::{Host, Invocation};
use podlift_model::{Failure, codes};
use std::time::Duration;

/// How long to wait for dpkg's lock; the same as for apt-get.
const PATIENCE: Duration = Duration::from_secs(300);
const LOCKS: [&str; 2] = [lock::FRONTEND, lock::DPKG];

pub async fn hold(host: &Host, packages: &[String]) -> Result<(), Failure> {
    mark(host, "hold", packages).await
}

pub async fn unhold(host: &Host, packages: &[String]) -> Result<(), Failure> {
    mark(host, "unhold", packages).await
}

async fn mark(host: &Host, verb: &str, packages: &[String]) -> Result<(), Failure> {
    if packages.is_empty() {
        return Ok(());
    }
    let args = [verb.to_string()].into_iter().chain(packages.iter().cloned());
    let call = Invocation::new("apt-mark", args);
    let until = host.clock.since_boot() + PATIENCE;
    loop {
        let failure = match must(host, &call).await {
            Err(failure) if failure.detail.contains("lock was locked by another process") => failure,
            end => return end.map(drop),
        };
        if host.clock.since_boot() > until {
            let message = lock::holder(host, &LOCKS).unwrap_or(failure.message);
            return Err(Failure::transient(codes::APT_LOCK, format!("{message}; wait for it to end"))
                .with_detail(&failure.detail));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
