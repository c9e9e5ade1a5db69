//! The connection to the coordinator, and its answers as documents.

use super::config::Config;
use super::error::{CliError, Exit};
use super::{Context, out};
use podlift_common::tls::{Connector, Expect, Material};
use podlift_common::wire::from_document;
use podlift_proto::v1::command_request::Verb;
use podlift_proto::v1::control_service_client::ControlServiceClient;
use podlift_proto::v1::{self, Document};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

pub(super) type Client = ControlServiceClient<Channel>;

const CONNECT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Plans and reports of large clusters.
const MESSAGE_LIMIT: usize = 256 << 20;

impl Context {
    pub async fn client(&self) -> Result<Client, CliError> {
        let config: Config = podlift_common::config::load(&self.config)
            .map_err(|e| CliError::usage(e.to_string(), "podlift --config FILE …"))?;
        let tls = &config.tls;
        let material = Material::load(&tls.ca, &tls.certificate, &tls.key)
            .map_err(|e| CliError::new(Exit::Usage, e.to_string(), "podlift cert issue operator NAME"))?;
        let connector =
            Connector::new(&material, Expect::Coordinator).map_err(|e| CliError::failed(e.to_string()))?;
        dial(config.coordinator, connector).await
    }

    /// Says one word to the open run, or to `run`, and shows the answer.
    pub async fn command(
        &self,
        verb: Verb,
        run: Option<String>,
        target: String,
        reason: String,
    ) -> Result<Client, CliError> {
        let mut client = self.client().await?;
        let run = run.unwrap_or_default();
        let request = v1::CommandRequest { verb: verb as i32, run, target, reason };
        let reply = client.command(request).await?.into_inner();
        out::narrate(&reply.message);
        Ok(client)
    }
}

async fn dial(to: std::net::SocketAddr, connector: Connector) -> Result<Client, CliError> {
    let failed = |e: tonic::transport::Error| {
        CliError::unreachable(format!("the coordinator at {to} can't be reached: {}", causes(&e)))
    };
    // TLS is the connector's: tonic must believe in plain HTTP.
    let endpoint = Endpoint::from_shared(format!("http://{to}")).map_err(failed)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let dial = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move { connector.connect(to).await.map(hyper_util::rt::TokioIo::new) }
    });
    let channel = endpoint.connect_with_connector(dial).await.map_err(failed)?;
    Ok(ControlServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT))
}

/// The error and what it hides.
fn causes(error: &dyn std::error::Error) -> String {
    let mut next = error.source();
    let mut text = error.to_string();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}

pub(super) fn read<T: DeserializeOwned>(kind: &str, document: &Document) -> Result<T, CliError> {
    from_document(kind, Some(document)).map_err(|e| {
        CliError::failed(format!(
            "the coordinator's answer can't be read: {e}; is it another podlift version?"
        ))
    })
}
