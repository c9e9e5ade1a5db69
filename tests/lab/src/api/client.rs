//! A kube::Client on the World without a network, through the proxy: refused where no API server answers.

use super::{Caller, handle};
use crate::world::World;
use http::Request;
use http_body_util::BodyExt as _;
use std::io;
use std::sync::Arc;

impl World {
    /// The front whose turn it is, as nginx's stream proxy takes them.
    pub fn proxy(&self) -> Option<String> {
        let mut s = self.lock();
        let fronts = s.fronts_for_others(self.clock.now());
        s.turn += 1;
        let turn = s.turn;
        (!fronts.is_empty()).then(|| fronts[turn % fronts.len()].clone())
    }

    /// The coordinator's own identity, through the proxy.
    pub fn kube_client(self: &Arc<Self>) -> kube::Client {
        self.client(None, Some("podlift"))
    }

    /// The same at one node's own API server.
    pub fn kube_client_at(self: &Arc<Self>, node: &str) -> kube::Client {
        self.client(Some(node.to_string()), Some("podlift"))
    }

    /// A client that this API server does not know.
    pub fn strange_client_at(self: &Arc<Self>, node: &str) -> kube::Client {
        self.client(Some(node.to_string()), None)
    }

    fn client(self: &Arc<Self>, node: Option<String>, user: Option<&str>) -> kube::Client {
        let (world, caller) = (self.clone(), Caller(user.map(String::from)));
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (world, node, caller) = (world.clone(), node.clone(), caller.clone());
            async move {
                // A network is never instant: others run in between.
                tokio::task::yield_now().await;
                let front = match &node {
                    Some(node) => world.lock().front_up(node).then(|| node.clone()),
                    None => world.proxy(),
                };
                let refused =
                    || io::Error::new(io::ErrorKind::ConnectionRefused, "connect: connection refused");
                let front = front.ok_or_else(refused)?;
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                handle(&world, &front, &caller, Request::from_parts(parts, body)).await
            }
        });
        kube::Client::new(service, "default")
    }
}
