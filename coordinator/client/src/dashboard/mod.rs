//! The dashboard: a page on the loopback that shows run and fleet live, over the live model. It only reads, so a viewer's certificate is
//! enough.
//!
//! Whoever knows the address with its token may read; `gate` checks that for each request. The page is one HTML file with one script and
//! one style, all compiled in. The browser gets the whole scene once, and then what changes, as server-sent events.

mod cells;
mod delta;
mod gate;
mod group;
mod hub;
mod publish;
mod reply;
mod ring;
mod scene;
mod serve;
mod sse;
#[cfg(test)]
mod tests;
mod token;

use crate::endpoint::Endpoint;
use crate::live::{Feed, Update};
use gate::Gate;
use hub::Hub;
use podlift_common::clock::Clock;
use podlift_engine::machine::{Record, RunState};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Updates that wait at most. A full channel slows the stream of the coordinator down and costs no memory.
const WAITING: usize = 1000;

/// Turns a record into a line for people. `None` leaves it out. The run is the one that the record belongs to, where it is known.
pub type Describe = fn(&Record, Option<&RunState>) -> Option<String>;

/// A dashboard that is bound and not served yet.
pub struct Dashboard {
    listener: TcpListener,
    gate: Gate,
}

impl Dashboard {
    /// Binds the port on 127.0.0.1; 0 takes a free one. Nobody outside of this machine can reach it.
    pub async fn bind(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let gate = Gate::new(listener.local_addr()?.port());
        Ok(Self { listener, gate })
    }

    /// The address that a person opens in a browser, with its token.
    pub fn url(&self) -> String {
        self.gate.url()
    }

    /// Serves until the future is dropped. It reconnects to the coordinator by itself.
    pub async fn serve(self, endpoint: &Endpoint, clock: Arc<dyn Clock>, describe: Describe) {
        let (to, from) = tokio::sync::mpsc::channel::<Update>(WAITING);
        let _feed = Feed::start(endpoint, &to);
        drop(to);
        let hub = Arc::new(Hub::default());
        tokio::select! {
            () = publish::run(from, &hub, clock.as_ref(), describe) => {}
            () = serve::accept(self.listener, Arc::new(self.gate), hub.clone()) => {}
        }
    }
}
