//! The agent's metrics for Prometheus. Counters and durations are counted where the event happens (`meters`). Everything else is read from
//! the agent's own state at the scrape (`seen`), so that the two can't disagree. This module decides and changes nothing.

mod meters;
mod seen;

pub(crate) use meters::{Attempt, Connected, Meters};

use crate::keeper::Keeper;
use crate::node::Node;
use podlift_common::metrics;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// All families of an agent; the names of all of them begin with `podlift_agent_`.
pub(crate) struct Metrics(Registry);

impl Metrics {
    pub fn new(keeper: &Keeper, node: &Arc<Node>) -> Self {
        // A head node heals nothing, so metrics of the heal would only raise alerts.
        let mut registry = registry(keeper, !node.config.is_head());
        node.meters.register(&mut registry);
        registry.register_collector(Box::new(seen::Seen(node.clone())));
        Self(registry)
    }

    /// The metrics while only the heal runs.
    pub fn alone(keeper: &Keeper) -> Self {
        Self(registry(keeper, true))
    }

    /// The text of one scrape.
    pub fn page(&self) -> Result<String, std::fmt::Error> {
        metrics::encode(&self.0)
    }
}

fn registry(keeper: &Keeper, heals: bool) -> Registry {
    let mut registry = Registry::with_prefix("podlift_agent");
    meters::build(&mut registry);
    if heals {
        keeper.heal.meters.register(&mut registry);
    }
    keeper.downs.register(&mut registry);
    registry
}

#[cfg(test)]
mod tests;
