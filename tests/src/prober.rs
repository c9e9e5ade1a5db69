//! Probes of the World's API servers, by address and through the proxy, from another machine than theirs.

use podlift_coordinator::cluster::Prober;
use podlift_engine::doors::{ApiProbe, VIP};
use podlift_lab::World;
use podlift_lab::world::Warmth;
use std::sync::Arc;

pub struct WorldProber(pub Arc<World>);

impl WorldProber {
    /// Whether /readyz of one of these succeeds.
    fn ready(&self, of: impl Fn(&str) -> bool) -> bool {
        let fronts = self.0.lock().fronts_for_others(self.0.clock.now());
        fronts.iter().any(|node| of(node) && self.0.warmth(node) != Warmth::Installing)
    }
}

#[async_trait::async_trait]
impl Prober for WorldProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        let up = match endpoint {
            VIP => self.ready(|_| true),
            _ => self.ready(|node| self.0.shape.address(node) == host),
        };
        let why = if up { String::new() } else { "connection refused".into() };
        ApiProbe { endpoint: endpoint.into(), ok: up, why }
    }
}
