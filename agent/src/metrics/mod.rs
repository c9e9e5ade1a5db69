//! What an agent tells Prometheus. Counters and durations are counted where it happens (`meters`); everything else is read from the
//! agent's own state at the moment of the scrape (`seen`), so that it can't disagree with it. Nothing here decides or changes anything.

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
        // A head node heals nothing: families of the heal would only raise alerts.
        let mut registry = registry(keeper, !node.config.is_head());
        node.meters.register(&mut registry);
        registry.register_collector(Box::new(seen::Seen(node.clone())));
        Self(registry)
    }

    /// What there is to tell while only the heal runs.
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
