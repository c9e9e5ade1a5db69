//! The connection to the coordinator, and its answers as documents.

use super::Context;
use super::config::Config;
use super::error::{CliError, Exit};
use super::out::{self, Format};
use super::version::{Listening, OWN};
use podlift_common::tls::{Connector, Expect, Material};
use podlift_common::wire::from_document;
use podlift_proto::v1::command_request::Verb;
use podlift_proto::v1::control_service_client::ControlServiceClient;
use podlift_proto::v1::{self, Document};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

pub(super) type Client = ControlServiceClient<Listening>;

const CONNECT: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A status of 2,000 nodes has almost a MiB: with HTTP/2's 64 KiB it would need a dozen round trips.
const WINDOW: u32 = 4 << 20;
/// Plans and reports of large clusters.
const MESSAGE_LIMIT: usize = 256 << 20;

impl Context {
    pub async fn client(&self) -> Result<Client, CliError> {
        let config: Config = podlift_common::config::load(&self.config).map_err(|e| {
            CliError::usage("podlift is not configured", e.to_string(), "podlift --config FILE status")
        })?;
        let tls = &config.tls;
        let material = Material::load(&tls.ca, &tls.certificate, &tls.key).map_err(|e| {
            CliError::usage(
                "the operator's certificate can't be used",
                e.to_string(),
                "podlift cert issue operator NAME",
            )
        })?;
        let connector = Connector::new(&material, Expect::Coordinator)
            .map_err(|e| CliError::failed("the operator's certificate can't be used", e))?;
        let channel = dial(config.coordinator, connector).await?;
        let listening = Listening { channel, heard: self.heard.clone() };
        Ok(ControlServiceClient::new(listening).max_decoding_message_size(MESSAGE_LIMIT))
    }

    /// Says one word to the open run, or to `run`, and shows the answer.
    pub async fn command(
        &self,
        verb: Verb,
        run: Option<String>,
        target: String,
        reason: String,
    ) -> Result<Client, CliError> {
        let run = run.unwrap_or_default();
        let request = v1::CommandRequest { verb: verb as i32, run, target, reason, ..Default::default() };
        self.say(request).await
    }

    /// Says it, and shows the answer.
    pub async fn say(&self, request: v1::CommandRequest) -> Result<Client, CliError> {
        let mut client = self.client().await?;
        let reply = client.command(request).await?.into_inner();
        out::narrate(&reply.message);
        Ok(client)
    }

    /// The document as data, or as `render` makes it for people. A document newer than we know is refused in every format.
    pub fn shown<T: DeserializeOwned>(
        &self,
        kind: &str,
        document: &Document,
        render: impl FnOnce(&T) -> String,
    ) -> Result<String, CliError> {
        self.check(kind, document)?;
        match self.format {
            Format::Json | Format::Yaml => Ok(out::document(self.format, document)?.unwrap_or_default()),
            Format::Table | Format::Wide => Ok(render(&self.read(kind, document)?)),
        }
    }

    pub fn read<T: DeserializeOwned>(&self, kind: &str, document: &Document) -> Result<T, CliError> {
        self.check(kind, document)?;
        from_document(kind, Some(document)).map_err(|e| self.other_version(format!("it can't be read: {e}")))
    }

    /// Refuses a document of another kind, as a newer coordinator may send.
    pub fn check(&self, kind: &str, document: &Document) -> Result<(), CliError> {
        match document.kind == kind {
            true => Ok(()),
            false => {
                Err(self.other_version(format!("it is {}, and this podlift knows {kind}", document.kind)))
            }
        }
    }

    fn other_version(&self, why: String) -> CliError {
        let theirs = self.heard.coordinator().unwrap_or("of another version");
        CliError::new(
            Exit::Failed,
            "the coordinator's answer is not one that this podlift understands",
            format!("{why}; the coordinator is podlift {theirs}, this is {OWN}"),
            "apt-get install --only-upgrade podlift",
        )
    }
}

async fn dial(to: std::net::SocketAddr, connector: Connector) -> Result<Channel, CliError> {
    let failed = |e: tonic::transport::Error| {
        CliError::unreachable(format!("the coordinator at {to} can't be reached"), cause(&e))
    };
    // TLS is the connector's: tonic must believe in plain HTTP.
    let endpoint = Endpoint::from_shared(format!("http://{to}")).map_err(failed)?;
    let endpoint = endpoint
        .connect_timeout(CONNECT)
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

/// The innermost error.
fn cause(error: &dyn std::error::Error) -> String {
    let mut next = error.source();
    let mut text = error.to_string();
    while let Some(cause) = next {
        text = cause.to_string();
        next = cause.source();
    }
    text
}
