//! Probes of the World's API servers, by address and through the proxy.

use podlift_coordinator::cluster::Prober;
use podlift_engine::doors::{ApiProbe, VIP};
use podlift_lab::World;
use std::sync::Arc;

pub struct WorldProber(pub Arc<World>);

#[async_trait::async_trait]
impl Prober for WorldProber {
    async fn probe(&self, endpoint: &str) -> ApiProbe {
        let up = match endpoint {
            VIP => !self.0.lock().fronts().is_empty(),
            _ => {
                let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
                let node = self.0.shape.control_planes.iter().find(|n| self.0.shape.address(n) == host);
                node.is_some_and(|n| self.0.lock().front_up(n))
            }
        };
        let why = if up { String::new() } else { "connection refused".into() };
        ApiProbe { endpoint: endpoint.into(), ok: up, why }
    }
}
