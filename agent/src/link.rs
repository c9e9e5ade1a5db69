//! The connection to the coordinator: opens the two directions of one session. It does not interpret the messages.

use async_trait::async_trait;
use podlift_common::tls::Connector;
use podlift_proto::v1::{FromAgent, ToAgent, agent_service_client::AgentServiceClient};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;

/// Messages in flight. A slow coordinator stops the reader, but never the ops.
const BUFFER: usize = 64;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A lost coordinator is noticed after this time and `KEEP_ALIVE`. Pings and their timers are most of an idle agent's wakeups. A slow
/// notice costs nothing: the heal and open ops need no coordinator, and a coordinator that is back refuses the old session at once.
const SILENT: Duration = Duration::from_secs(40);

/// Both directions of a session. The session is over when `receive` ends or `send` fails.
#[derive(Debug)]
pub struct Channel {
    pub send: mpsc::Sender<FromAgent>,
    pub receive: mpsc::Receiver<Result<ToAgent, tonic::Status>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator at {to} can't be reached: {why}")]
pub struct LinkError {
    pub to: String,
    pub why: String,
}

#[async_trait]
pub trait Link: Send + Sync {
    async fn open(&self) -> Result<Channel, LinkError>;
}

/// A link by gRPC over mTLS.
pub struct GrpcLink {
    to: SocketAddr,
    connector: Connector,
}

impl GrpcLink {
    pub fn new(to: SocketAddr, connector: Connector) -> Self {
        Self { to, connector }
    }

    fn failed(&self, why: impl ToString) -> LinkError {
        LinkError { to: self.to.to_string(), why: why.to_string() }
    }

    async fn connect(&self) -> Result<tonic::transport::Channel, LinkError> {
        // The connector does TLS, so tonic must see a plain HTTP address.
        let endpoint = Endpoint::from_shared(format!("http://{}", self.to)).map_err(|e| self.failed(e))?;
        let endpoint = endpoint
            .connect_timeout(KEEP_ALIVE)
            .http2_keep_alive_interval(SILENT)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        let (to, connector) = (self.to, self.connector.clone());
        let dial = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move { connector.connect(to).await.map(hyper_util::rt::TokioIo::new) }
        });
        endpoint.connect_with_connector(dial).await.map_err(|e| self.failed(causes(&e)))
    }
}

#[async_trait]
impl Link for GrpcLink {
    async fn open(&self) -> Result<Channel, LinkError> {
        let mut client = AgentServiceClient::new(self.connect().await?);
        let (send, outgoing) = mpsc::channel(BUFFER);
        let (incoming, receive) = mpsc::channel(BUFFER);
        // In a task, because the coordinator may wait for the agent's first message before it answers the call.
        tokio::spawn(async move {
            let mut stream = match client.session(ReceiverStream::new(outgoing)).await {
                Ok(response) => response.into_inner(),
                Err(status) => return drop(incoming.send(Err(status)).await),
            };
            loop {
                let next = tokio::select! {
                    () = incoming.closed() => return,
                    next = stream.message() => next,
                };
                let last = next.is_err();
                let Some(item) = next.transpose() else { return };
                if incoming.send(item).await.is_err() || last {
                    return;
                }
            }
        });
        Ok(Channel { send, receive })
    }
}

/// tonic's text is only "transport error"; the causes hold the reason.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
