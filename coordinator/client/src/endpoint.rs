//! Where the coordinator is, and the way to it: mutual TLS with the operator's certificate.

use crate::client::Client;
use crate::config::Config;
use crate::error::Error;
use crate::version::{Observed, Peer};
use podlift_common::tls::{Connector, Expect, Material};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint as Transport};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of HTTP/2's window. The status of 2,000 nodes has almost 1 MiB and would need a dozen round trips in the default window of 64 KiB.
const WINDOW: u32 = 4 << 20;
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A coordinator that can be connected to, again and again. Configuration and certificate are read at each connection, so that a client
/// that runs for days takes a renewed certificate.
#[derive(Debug, Clone)]
pub struct Endpoint {
    config: PathBuf,
    peer: Arc<Peer>,
}

impl Endpoint {
    /// `config` is the configuration file. `warn` is called once with a sentence if the coordinator has another version than this client.
    pub fn new(config: impl Into<PathBuf>, warn: fn(&str)) -> Self {
        Self { config: config.into(), peer: Arc::new(Peer::new(warn)) }
    }

    /// Connects. The error says whether the configuration, the certificate or the coordinator is the cause.
    pub async fn connect(&self) -> Result<Client, Error> {
        let config: Config = podlift_common::config::load(&self.config).map_err(|e| {
            Error::usage("podlift is not configured", e.to_string(), "cat /etc/podlift/podlift.toml.example")
        })?;
        let tls = &config.tls;
        let what = "the operator's certificate can't be used";
        let material = Material::load(&tls.ca, &tls.certificate, &tls.key)
            .map_err(|e| Error::usage(what, e.to_string(), "podlift cert issue operator NAME"))?;
        let connector = Connector::new(&material, Expect::Coordinator).map_err(|e| Error::failed(what, e))?;
        let channel = dial(config.coordinator, connector).await?;
        Ok(Client::new(Observed { channel, peer: self.peer.clone() }))
    }
}

async fn dial(to: SocketAddr, connector: Connector) -> Result<Channel, Error> {
    let failed = |e: tonic::transport::Error| {
        Error::unreachable(format!("the coordinator at {to} can't be reached"), root_cause(&e))
    };
    // The connector does TLS itself, so tonic must see plain HTTP.
    let endpoint = Transport::from_shared(format!("http://{to}")).map_err(failed)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    let dial = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move { connector.connect(to).await.map(hyper_util::rt::TokioIo::new) }
    });
    endpoint.connect_with_connector(dial).await.map_err(failed)
}

/// Text of the innermost error: the outer ones of a transport name no cause.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}
