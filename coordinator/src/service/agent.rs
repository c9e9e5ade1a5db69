//! Sessions of agents: passes the stream and the identity of its certificate to the hub.

use crate::dispatch::Hub;
use futures_util::StreamExt as _;
use futures_util::stream::Map;
use podlift_common::tls::Identity;
use podlift_proto::v1::agent_service_server::AgentService;
use podlift_proto::v1::{FromAgent, ToAgent};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// A message from the hub to an agent.
type Boxed = Result<Box<ToAgent>, Status>;

pub struct AgentSessions {
    hub: Arc<Hub>,
}

impl AgentSessions {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }
}

#[tonic::async_trait]
impl AgentService for AgentSessions {
    type SessionStream = Map<ReceiverStream<Boxed>, fn(Boxed) -> Result<ToAgent, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let peer = request.extensions().get::<Identity>().cloned();
        let peer = peer.ok_or_else(|| Status::unauthenticated("no client certificate"))?;
        let outgoing = self.hub.attach(peer, request.into_inner()).await?;
        let unboxed: fn(Boxed) -> Result<ToAgent, Status> = |message| message.map(|m| *m);
        Ok(Response::new(ReceiverStream::new(outgoing).map(unboxed)))
    }
}
