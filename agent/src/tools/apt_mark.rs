//! `apt-mark`: which packages are held.

use super::must;
use crate::host::{Host, Invocation};
use podlift_model::Failure;
use std::collections::BTreeSet;

pub async fn held(host: &Host) -> Result<BTreeSet<String>, Failure> {
    let text = must(host, &Invocation::new("apt-mark", ["showhold"])).await?;
    Ok(text.lines().map(|l| l.trim().to_string()).filter(|l| !l.is_empty()).collect())
}

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
    must(host, &Invocation::new("apt-mark", args)).await.map(drop)
}
