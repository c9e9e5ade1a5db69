//! A drain like `kubectl drain --ignore-daemonsets --delete-emptydir-data` of 1.32, with its refusals and its retries. At the time limit it
//! names what blocks the drain. A failed eviction is a failure. This module does not set or remove the cordon.

mod budgets;
mod evict;
mod filter;

use super::api::Api;
use super::{nodes, owner};
use evict::Ended;
use filter::Pod;
use futures_util::future::join_all;
use podlift_engine::doors::EvictionView;
use podlift_model::{Epoch, Failure, NodeName, codes};
use std::time::Duration;
use tokio::time::Instant;

/// What a drain would evict now, and what prevents it.
pub(super) async fn look(api: &Api, node: &NodeName) -> Result<EvictionView, Failure> {
    let sorted = filter::sort(api, node).await?;
    let evict = sorted.evict.iter().map(Pod::name).collect();
    Ok(EvictionView { evict, refused: sorted.refused, ..EvictionView::default() })
}

pub(super) async fn drain(
    api: &Api,
    node: &NodeName,
    epoch: &Epoch,
    limit: Duration,
) -> Result<String, Failure> {
    owner::check(&nodes::raw(api, node).await?, epoch)?;
    let sorted = filter::sort(api, node).await?;
    if !sorted.refused.is_empty() {
        let text = format!("{node} can't be drained: {}", sorted.refused.join("; "));
        return Err(Failure::operator(codes::DRAIN_REFUSED, text));
    }
    let deadline = Instant::now() + limit;
    let ends = join_all(sorted.evict.iter().map(|pod| evict::evict(api, pod, deadline))).await;
    let failed: Vec<&str> = ends.iter().filter_map(Ended::failed).collect();
    if !failed.is_empty() {
        let text =
            format!("{} of {} evictions from {node} failed: {}", failed.len(), ends.len(), failed.join("; "));
        return Err(Failure::operator(codes::EVICTION_FAILED, text));
    }
    let pairs = sorted.evict.iter().zip(&ends);
    let blocked: Vec<(&Pod, &str)> = pairs.filter_map(|(pod, end)| Some((pod, end.blocked()?))).collect();
    match blocked.is_empty() {
        true => Ok(gone(node, ends.len(), &sorted.notes)),
        false => Err(budgets::blocked(api, node, &blocked, limit).await),
    }
}

fn gone(node: &NodeName, count: usize, notes: &[String]) -> String {
    let notes = if notes.is_empty() { String::new() } else { format!("; {}", notes.join("; ")) };
    format!("{count} pods evicted from {node}{notes}")
}
